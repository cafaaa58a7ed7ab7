"""The SQL of discrepancies, and of what they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from paystream.reconciliation.v1.events import DiscrepancyKind
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState
from services.reconciliation.store.evidence import TOLD_ELSEWHERE
from services.reconciliation.store.matching import LineDifference

_FACTS = """
SELECT d.line_no, d.movement_id, d.status,
    l.statement_id, l.line_id, l.channel AS line_channel, l.operation AS line_operation, l.outcome, l.amount_minor,
    l.currency_code, l.channel_fee_minor, l.line_date, l.attempt_id, l.related_no, l.channel_reference,
    i.operation AS movement_operation, i.channel AS movement_channel, i.amount_minor AS expected_minor,
    i.currency_code AS expected_currency_code, i.attempt_id AS movement_attempt_id,
    i.related_no AS movement_related_no, i.channel_reference AS movement_reference, i.occurred_at,
    coalesce(i.root_reference, u.root_reference) AS root_reference,
    coalesce(i.merchant_id, u.merchant_id) AS merchant_id,
    coalesce(i.correlation_id, u.correlation_id) AS correlation_id,
    (SELECT b.transaction_id FROM movement_booking b WHERE b.movement_id = d.movement_id
        AND b.transaction_id IS NOT NULL ORDER BY b.transaction_type LIMIT 1) AS transaction_id,
    u.amount_minor AS unmoved_minor, u.currency_code AS unmoved_currency_code, u.related_no AS unmoved_related_no
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS d(line_no, movement_id, status)
LEFT JOIN statement_line l ON l.line_no = d.line_no
LEFT JOIN internal_transaction i ON i.movement_id = d.movement_id
LEFT JOIN unmoved_attempt u ON d.status = 'CONTRADICTED' AND d.movement_id IS NULL AND u.attempt_id = l.attempt_id
"""

# What was missing has come: a line has a movement by now, or a movement a line.
_HEALED = """
state = 'OPEN' AND (
    kind IN ('MISSING_INTERNAL', 'CONTRADICTED') AND line_no IN (
        SELECT o.line_no FROM line_outcome o WHERE o.line_no = discrepancy.line_no AND o.status <> discrepancy.kind)
    OR kind = 'MISSING_CHANNEL' AND movement_id IN (
        SELECT o.movement_id FROM movement_outcome o
        WHERE o.movement_id = discrepancy.movement_id AND o.line_no IS NOT NULL))
ORDER BY discrepancy_id LIMIT $1
"""

# Looked up line by line: an index of all that is open would be read whole, and each row compared with each line.
_DIFFERING = """
discrepancy_id = ANY(ARRAY(
    SELECT d.discrepancy_id FROM unnest($1::bigint[]) AS n(line_no) JOIN LATERAL (
        SELECT discrepancy_id FROM discrepancy o
        WHERE o.line_no = n.line_no AND o.kind IN ('AMOUNT_MISMATCH', 'DUPLICATE') AND o.state = 'OPEN' OFFSET 0
    ) d ON true
))
"""

_OPEN_COUNTS = """
SELECT kind, channel, count(*) AS open, min(create_time) AS since FROM discrepancy WHERE state = 'OPEN'
GROUP BY kind, channel
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFilter:
    """Which discrepancies to list; None does not filter.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    kind: DiscrepancyKind | None = None
    state: DiscrepancyState | None = None
    channel: str | None = None
    statement_id: str | None = None
    merchant_id: str | None = None
    currency_code: str | None = None
    attempt_id: str | None = None
    related_no: str | None = None
    root_reference: str | None = None
    channel_reference: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class Discrepancies(Table[str, Discrepancy]):
    """The table `discrepancy`."""

    async def list(self, tx: Tx, wanted: DiscrepancyFilter, *, after: TimeKey | None, limit: int) -> Found[Discrepancy]:
        """List discrepancies as asked for, from after a (create_time, discrepancy_id) on."""
        return await discrepancy_walk.page(tx, wanted, after=after, limit=limit)

    async def claim_healed(self, tx: Tx, limit: int) -> Rows[str, Discrepancy]:
        """Lock open discrepancies whose missing side has come."""
        return await self.claim_where(tx, _HEALED, limit)

    async def lock_differing(self, tx: Tx, line_nos: Sequence[int]) -> Rows[str, Discrepancy]:
        """Lock the open discrepancies of lines that differ, and may be completed."""
        return await self.lock_where(tx, _DIFFERING, list(line_nos))

    async def claim_told_elsewhere(self, tx: Tx, limit: int) -> Rows[str, Discrepancy]:
        """Lock open discrepancies of evidence of which something else tells now."""
        return await self.claim_where(tx, TOLD_ELSEWHERE, limit)


async def facts_of(tx: Tx, differences: Sequence[LineDifference]) -> list[asyncpg.Record]:
    """Read what is known of both sides of differences."""
    columns = (
        [each.line_no for each in differences],
        [each.movement_id for each in differences],
        [each.status for each in differences],
    )
    return await tx.fetch(_FACTS, *columns)


async def count_open(tx: Tx) -> list[asyncpg.Record]:
    """Count open discrepancies by kind and channel, with the time of the oldest."""
    return await tx.fetch(_OPEN_COUNTS)


discrepancies = Discrepancies(
    Discrepancy,
    "discrepancy",
    key="discrepancy_id",
    changing=("state", "resolution", "reason", "proposer", "approver", "aggregate_version", "update_time"),
)

discrepancy_walk = Walk(discrepancies, scopes=(("statement_id",), ("state",), ("kind",), ("channel",), ()))
