"""The SQL of disputes, of what channels said of them, and of the answers that channels are still to be told.

They change only under the lock of their payment, but for when a channel is to be told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.serve.listing import newest_first
from paystream.payment.v1 import events
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState, ResponseState
from services.payment.domain.payment import Payment
from services.payment.store import payments as store

_TEXT = sa.Text(collation="C")

DISPUTE = sa.Table(
    "dispute",
    store.METADATA,
    sa.Column("dispute_id", _TEXT, primary_key=True),
    sa.Column("payment_id", _TEXT),
    sa.Column("merchant_id", _TEXT),
    sa.Column("attempt_id", _TEXT),
    sa.Column("channel", _TEXT),
    sa.Column("dispute_reference", _TEXT),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency_code", _TEXT),
    sa.Column("reason", _TEXT),
    sa.Column("respond_by", sa.DateTime(timezone=True)),
    sa.Column("state", _TEXT),
    sa.Column("accepted", sa.Boolean),
    sa.Column("contradicted", sa.Boolean),
    sa.Column("evidence", sa.Text),
    sa.Column("response_state", _TEXT),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

_COLUMNS = tuple(column.name for column in DISPUTE.columns)
_LISTED = ", ".join(f"dispute.{name}" for name in _COLUMNS)

_SELECT_DISPUTES = f"SELECT {_LISTED} FROM dispute WHERE dispute_id = ANY($1::text[])"

# A dispute never changes its payment, so that the lock can be taken on what was read without it.
_SELECT_PAYMENT_IDS = "SELECT DISTINCT payment_id FROM dispute WHERE dispute_id = ANY($1::text[])"

# Of whichever payment: a reference may turn out to be another's.
_SELECT_BY_REFERENCE = f"""
SELECT {_LISTED} FROM dispute
JOIN unnest($1::text[], $2::text[]) AS told (channel, dispute_reference) USING (channel, dispute_reference)
"""

# Writes back everything that can change. An answer that is to be told becomes due at once.
_UPDATE_DISPUTES = """
UPDATE dispute SET state = new.state, accepted = new.accepted, contradicted = new.contradicted,
    evidence = new.evidence, response_state = new.response_state, update_time = new.update_time,
    due_time = CASE WHEN new.response_state = 'PENDING' THEN coalesce(due_time, now()) END
FROM unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[], $5::text[], $6::text[], $7::timestamptz[])
  AS new (dispute_id, state, accepted, contradicted, evidence, response_state, update_time)
WHERE dispute.dispute_id = new.dispute_id
"""
_CHANGING = ("state", "accepted", "contradicted", "evidence", "response_state", "update_time")

# What was told before is there already.
_INSERT_REPORTS = """
INSERT INTO dispute_report (dispute_id, outcome, contradicts, record_time)
SELECT dispute_id, outcome, contradicts, $4
FROM unnest($1::text[], $2::text[], $3::boolean[]) AS new (dispute_id, outcome, contradicts)
ON CONFLICT (dispute_id, outcome) DO NOTHING
"""

# Takes answers that are due. The lease keeps other jobs away while this one calls; jobs of several processes pass each
# other's rows by. due_time is real time, for leases and retries.
_CLAIM_RESPONSES = f"""
UPDATE dispute SET due_time = now() + $3::float8 * interval '1 s', response_tries = response_tries + 1
FROM (SELECT dispute_id AS claimed_id FROM dispute WHERE due_time <= now() AND channel = $1 ORDER BY due_time LIMIT $2
      FOR UPDATE SKIP LOCKED) claimed, payment
WHERE dispute.dispute_id = claimed_id AND payment.payment_id = dispute.payment_id
RETURNING {_LISTED}, payment.correlation_id, dispute.response_tries
"""

_ANY_DUE = "SELECT EXISTS (SELECT FROM dispute WHERE due_time <= now() AND channel = $1)"

_POSTPONE_RESPONSES = """
UPDATE dispute SET due_time = now() + new.pause_s * interval '1 s'
FROM unnest($1::text[], $2::float8[]) AS new (dispute_id, pause_s)
WHERE dispute.dispute_id = new.dispute_id AND response_state = 'PENDING'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """What ListDisputes selects; None selects all. payment_id or merchant_id is set.

    Attributes:
        create_time_before: Exclusive.
    """

    payment_id: str | None
    merchant_id: str | None
    state: DisputeState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A merchant's answer, taken to be told to the channel.

    Attributes:
        tries: Calls so far, the one under way included.
    """

    dispute: Dispute
    correlation_id: str
    tries: int


async def insert_disputes(tx: Tx, disputes: Sequence[Dispute]) -> None:
    """Insert disputes just opened, which may have been answered or decided since, in the same batch."""
    if disputes:
        rows = sorted(disputes, key=lambda d: d.dispute_id)
        await tx.copy("dispute", _COLUMNS, [tuple(getattr(d, name) for name in _COLUMNS) for d in rows])


async def update_disputes(tx: Tx, disputes: Sequence[Dispute]) -> None:
    """Write disputes back; each at most once.

    Raises:
        InvariantError: A dispute is not there, or came twice.
    """
    if disputes:
        changed = await tx.run(_UPDATE_DISPUTES, *columns(disputes, ("dispute_id", *_CHANGING)))
        require_all_changed("dispute", changed, len(disputes))


async def lock_payments_of_disputes(tx: Tx, dispute_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock the payments that disputes are about, in the order of their ids."""
    rows = await tx.fetch(_SELECT_PAYMENT_IDS, dispute_ids)
    return await store.lock_payments(tx, [row["payment_id"] for row in rows])


async def disputes_by_id(tx: Tx, dispute_ids: Sequence[str]) -> dict[str, Dispute]:
    """Give disputes; those whose payments are locked cannot change."""
    return {row["dispute_id"]: to_dispute(row) for row in await tx.fetch(_SELECT_DISPUTES, dispute_ids)}


async def disputes_by_reference(tx: Tx, told: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Dispute]:
    """Give the disputes that channels know by these references, by (channel, dispute_reference)."""
    if not told:
        return {}
    rows = await tx.fetch(_SELECT_BY_REFERENCE, [each[0] for each in told], [each[1] for each in told])
    return {(row["channel"], row["dispute_reference"]): to_dispute(row) for row in rows}


async def insert_reports(tx: Tx, told: Sequence[tuple[str, DisputeOutcome, bool]]) -> None:
    """Keep what channels said: (dispute_id, outcome, whether it contradicts), once however often it was told."""
    if told:
        await tx.run(_INSERT_REPORTS, *(list(column) for column in zip(*sorted(told), strict=True)), tx.now)


async def any_response_due(tx: Tx, *, channel: str) -> bool:
    """Say whether a channel is to be told an answer."""
    return bool((await tx.fetch(_ANY_DUE, channel))[0][0])


async def claim_responses(tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[Response]:
    """Take the answers that a channel has waited for longest."""
    return [_response(row) for row in await tx.fetch(_CLAIM_RESPONSES, channel, limit, lease_s)]


async def postpone_responses(tx: Tx, pauses_s: Mapping[str, float]) -> None:
    """Let answers wait before they are told again, by dispute."""
    if pauses_s:
        ordered = sorted(pauses_s)
        await tx.run(_POSTPONE_RESPONSES, ordered, [pauses_s[each] for each in ordered])


async def get_dispute(tx: Tx, dispute_id: str) -> Dispute | None:
    """Give one dispute."""
    return (await disputes_by_id(tx, [dispute_id])).get(dispute_id)


async def list_disputes(tx: Tx, wanted: DisputeFilter, *, after: TimeKey | None, limit: int) -> list[Dispute]:
    """List disputes, newest first, from after a (create_time, dispute_id) on."""
    c, statement = DISPUTE.c, sa.select(DISPUTE)
    for name in ("payment_id", "merchant_id", "state"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(c[name] == value)
    statement = newest_first(statement, (c.create_time, c.dispute_id), wanted, after).limit(limit)
    return [to_dispute(row._asdict()) for row in await tx.select(statement)]


def to_dispute(row: Mapping[str, Any]) -> Dispute:
    """Make a dispute of a row of its table."""
    values = {name: row[name] for name in _COLUMNS}
    values["state"] = DisputeState(values["state"])
    values["reason"] = events.DisputeReason(values["reason"])
    values["response_state"] = ResponseState(values["response_state"]) if values["response_state"] else None
    return Dispute(**values)


def _response(row: Mapping[str, Any]) -> Response:
    return Response(dispute=to_dispute(row), correlation_id=row["correlation_id"], tries=row["response_tries"])
