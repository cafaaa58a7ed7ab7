"""The SQL of the table `uncleared`: sums by what an amount belongs to. A projection of accounting.events and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paystream.channel.v1.events import ChannelTransactionReported
from services.reconciliation.domain import uncleared as domain
from services.reconciliation.domain.uncleared import UnclearedEffect

# A sum of 0 stays a row: whatever comes later, in whichever order, adds to the same one.
_ADD = """
INSERT INTO uncleared AS old
    (account_kind, merchant_id, currency_code, reference, root_reference, amount_minor, since)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::timestamptz[])
ON CONFLICT (account_kind, merchant_id, currency_code, reference) DO UPDATE SET
    amount_minor = old.amount_minor + excluded.amount_minor,
    root_reference = greatest(old.root_reference, excluded.root_reference),
    since = least(old.since, excluded.since)
"""

# Of what is owed, payments take the oldest debt first: the newest debts are those that are left.
_LEFT = """
left_over AS (
    SELECT account_kind, merchant_id, currency_code, reference, root_reference, amount_minor, since
    FROM uncleared WHERE amount_minor <> 0 AND account_kind <> ALL ($1::text[])
    UNION ALL
    SELECT account_kind, merchant_id, currency_code, reference, root_reference,
        CASE WHEN amount_minor > 0 THEN least(amount_minor, greatest(balance_minor - newer_minor, 0))
            ELSE 0 END, since
    FROM (
        SELECT *, sum(amount_minor) OVER account AS balance_minor,
            coalesce(sum(greatest(amount_minor, 0)) OVER (
                account ORDER BY since DESC, reference DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
            ) AS newer_minor
        FROM uncleared WHERE amount_minor <> 0 AND account_kind = ANY ($1::text[])
        WINDOW account AS (PARTITION BY account_kind, merchant_id, currency_code)
    ) AS owed
), late AS (
    SELECT * FROM unnest($2::text[], $3::interval[]) AS late (account_kind, clears_within)
), listed AS (
    SELECT left_over.*, since + clears_within AS due_time,
        concat_ws('|', left_over.account_kind, merchant_id, currency_code, reference) AS place
    FROM left_over JOIN late USING (account_kind) WHERE amount_minor <> 0
)
"""

_LIST = f"""
WITH {_LEFT}
SELECT * FROM listed
WHERE ($4::text IS NULL OR account_kind = $4) AND ($5::text IS NULL OR merchant_id = $5)
    AND ($6::text IS NULL OR currency_code = $6) AND ($7::timestamptz IS NULL OR due_time < $7)
    AND ($8::text IS NULL OR root_reference = $8)
    AND ($9::timestamptz IS NULL OR (since, place) > ($9, $10))
ORDER BY since, place LIMIT $11
"""

_COUNT = f"""
WITH {_LEFT}
SELECT account_kind, currency_code, count(*) AS amounts, sum(amount_minor) AS amount_minor,
    count(*) FILTER (WHERE due_time < $4) AS overdue, min(since) AS oldest_time
FROM listed GROUP BY account_kind, currency_code ORDER BY account_kind, currency_code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedLine:
    """A line that was followed."""

    channel: str
    line_id: str


_cleared_lines: Table[tuple[str, str], ClearedLine] = Table(ClearedLine, "cleared_line", key=("channel", "line_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedAmount:
    """What is left of an amount; `due_time` is when it should have cleared, `place` what sorts it among others."""

    account_kind: str
    merchant_id: str
    currency_code: str
    reference: str
    root_reference: str
    amount_minor: int
    since: datetime
    due_time: datetime
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedFilter:
    """Which amounts to list; None does not filter.

    Attributes:
        clearing_days: Within how many days each kind of account clears.
        overdue_at: Only what was due before then.
    """

    clearing_days: tuple[tuple[str, int], ...]
    account_kind: str | None = None
    merchant_id: str | None = None
    currency_code: str | None = None
    root_reference: str | None = None
    overdue_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedCount:
    """What has not cleared on a kind of account in a currency; `overdue` of the amounts should have."""

    account_kind: str
    currency_code: str
    amounts: int
    amount_minor: int
    overdue: int
    oldest_time: datetime


async def add(tx: Tx, effects: Sequence[UnclearedEffect]) -> None:
    """Add effects, in the order of their keys; whoever calls keeps away what was added before.

    Rows: uncleared.
    """
    rows = domain.summed(list(effects))
    if rows:
        await tx.run(
            _ADD,
            [row.account_kind for row in rows],
            [row.merchant_id for row in rows],
            [row.currency_code for row in rows],
            [row.reference for row in rows],
            [row.root_reference for row in rows],
            [row.amount_minor for row in rows],
            [row.effective_at for row in rows],
        )


async def clear_lines(tx: Tx, lines: Sequence[ChannelTransactionReported]) -> None:
    """Add what lines do, each line of a channel once.

    Rows: cleared_line, uncleared.
    """
    # Of a line told twice the first counts, in one batch as in two.
    effects = {
        ClearedLine(channel=line.channel, line_id=line.line_id): moved
        for line in reversed(lines)
        if (moved := domain.of_line(line))
    }
    inserted = await _cleared_lines.insert_absent(tx, list(effects))
    await add(tx, [effect for key in inserted for effect in effects[ClearedLine(channel=key[0], line_id=key[1])]])


async def list_(tx: Tx, wanted: UnclearedFilter, *, after: TimeKey | None, limit: int) -> list[UnclearedAmount]:
    """List what has not cleared, the oldest first, from after a (since, place) on."""
    since, place = after or (None, None)
    rows = await tx.fetch(
        _LIST,
        *_clearing(dict(wanted.clearing_days)),
        wanted.account_kind,
        wanted.merchant_id,
        wanted.currency_code,
        wanted.overdue_at,
        wanted.root_reference,
        since,
        place,
        limit,
    )
    return [UnclearedAmount(**{**row, "amount_minor": int(row["amount_minor"])}) for row in rows]


async def count(tx: Tx, clearing_days: Mapping[str, int], *, overdue_at: datetime) -> list[UnclearedCount]:
    """Count what has not cleared, by kind of account and currency, and what should have cleared by then."""
    rows = await tx.fetch(_COUNT, *_clearing(clearing_days), overdue_at)
    return [UnclearedCount(**{**row, "amount_minor": int(row["amount_minor"])}) for row in rows]


def _clearing(days: Mapping[str, int]) -> tuple[list[str], list[str], list[timedelta]]:
    kinds = sorted(days)
    return list(domain.OWED_KINDS), kinds, [timedelta(days=days[kind]) for kind in kinds]
