"""The SQL of the table `uncleared`: sums by what an amount belongs to. A projection of accounting.events and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from paykit.errors import PageTokenInvalid
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import EXAMINED_ROWS_MAX, WALKING, Found
from paykit.postgres.table import Table, where
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

# Of what is owed, payments take the oldest debt first: the newest debts are those that are left, and triggers of
# `uncleared` keep those.
_OF_AMOUNTS = "uncleared WHERE amount_minor <> 0"
_OF_DEBTS = "open_debt WHERE true"
_ORDER = "since, merchant_id, currency_code, reference"

# A page of one kind of account. Other filters are asked of each row; the last that may be looked at comes in any case.
_PAGE = f"""
SELECT * FROM (
    SELECT account_kind, root_reference, amount_minor, {_ORDER}, row_number() OVER () AS at, {{asked}} AS asked_for
    FROM (SELECT * FROM {{source}} AND {{walked}} ORDER BY {_ORDER} LIMIT {{examined}}) AS walked
) AS listed
WHERE asked_for OR at = {{examined}} LIMIT {{limit}}
"""

_COUNT = f"""
WITH left_over AS (
    SELECT account_kind, currency_code, amount_minor, since FROM {_OF_AMOUNTS} AND account_kind <> ALL ($1::text[])
    UNION ALL
    SELECT account_kind, currency_code, amount_minor, since FROM {_OF_DEBTS}
), late AS (
    SELECT * FROM unnest($2::text[], $3::interval[]) AS late (account_kind, clears_within)
)
SELECT account_kind, currency_code, count(*) AS amounts, sum(amount_minor) AS amount_minor,
    count(*) FILTER (WHERE since + clears_within < $4) AS overdue, min(since) AS oldest_time
FROM left_over JOIN late USING (account_kind) GROUP BY account_kind, currency_code ORDER BY account_kind, currency_code
"""

Key = tuple[datetime, str, str, str, str]
"""since, account_kind, merchant_id, currency_code and reference: the order of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedLine:
    """A line that was followed."""

    channel: str
    line_id: str


_cleared_lines: Table[tuple[str, str], ClearedLine] = Table(ClearedLine, "cleared_line", key=("channel", "line_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedAmount:
    """What is left of an amount; `due_time` is when it should have cleared."""

    account_kind: str
    merchant_id: str
    currency_code: str
    reference: str
    root_reference: str
    amount_minor: int
    since: datetime
    due_time: datetime

    @property
    def key(self) -> Key:
        """What sorts it among others."""
        return self.since, self.account_kind, self.merchant_id, self.currency_code, self.reference

    @property
    def place(self) -> str:
        """What sorts it among others of the same time, as page tokens have it."""
        return _place(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedFilter:
    """Which amounts to list; None does not filter.

    Attributes:
        clearing_days: Within how many days each kind of account clears.
        overdue: Only what should have cleared by now.
    """

    clearing_days: tuple[tuple[str, int], ...]
    account_kind: str | None = None
    merchant_id: str | None = None
    currency_code: str | None = None
    root_reference: str | None = None
    overdue: bool = False


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


async def list_(
    tx: Tx, wanted: UnclearedFilter, *, now: datetime, after: TimeKey | None, limit: int
) -> Found[UnclearedAmount]:
    """List what has not cleared, the oldest first, from after a (since, place) on.

    Each kind of account is walked along an index. Where filters leave few rows, a page ends after `EXAMINED_ROWS_MAX`
    of all kinds together, and `walked_to` says how far all were looked at.

    Raises:
        PageTokenInvalid: `after` is no place of this list.
    """
    await tx.fetch(WALKING)
    behind = None if after is None else _key_of(after)
    kinds = [kind for kind, _ in wanted.clearing_days if wanted.account_kind in {None, kind}]
    rows: list[UnclearedAmount] = []
    ends: list[Key] = []
    for kind in kinds:
        sql, args, examined = _page(kind, wanted, now=now, behind=behind, kinds=len(kinds), limit=limit)
        for row in await tx.fetch(sql, *args):
            amount = _amount(row, wanted)
            if row["asked_for"]:
                rows.append(amount)
            if row["at"] == examined:
                ends.append(amount.key)
    # What lies behind the end of a kind that was not walked through may come after what is still to be looked at.
    end = min(ends, default=None)
    listed = sorted((row for row in rows if end is None or row.key <= end), key=lambda row: row.key)
    complete = end is None or len(listed) >= limit
    return Found(listed[:limit], None if end is None or complete else (end[0], _place(end)))


def _page(
    kind: str, wanted: UnclearedFilter, *, now: datetime, behind: Key | None, kinds: int, limit: int
) -> tuple[str, list[Any], int]:
    """Return the statement of a page of one kind, its arguments, and how many rows it may look at."""
    late_before = now - timedelta(days=dict(wanted.clearing_days)[kind]) if wanted.overdue else None
    bounds = (
        ("account_kind = {}", kind),
        # The second condition is the partial index's.
        ("merchant_id = {} AND merchant_id <> ''", wanted.merchant_id),
        ("since < {}", late_before),
        *([] if behind is None else [_beyond(kind, behind)]),
    )
    asked = (("currency_code = {}", wanted.currency_code), ("root_reference = {}", wanted.root_reference))
    walked, _ = where(*bounds)
    both, args = where(*bounds, *asked)
    examined = EXAMINED_ROWS_MAX // kinds
    sql = _PAGE.format(
        source=_OF_DEBTS if kind in domain.OWED_KINDS else _OF_AMOUNTS,
        walked=walked,
        asked=both.removeprefix(walked).removeprefix(" AND ") or "true",
        examined=examined,
        limit=f"${len(args) + 1}",
    )
    return sql, [*args, limit], examined


def _beyond(kind: str, behind: Key) -> tuple[Any, ...]:
    """Return the condition of what comes after a key, among the rows of one kind."""
    since, account_kind, *rest = behind
    if kind == account_kind:
        return (f"({_ORDER}) > ({{}}, {{}}, {{}}, {{}})", since, *rest)
    return ("since >= {}" if kind > account_kind else "since > {}", since)


def _amount(row: Mapping[str, Any], wanted: UnclearedFilter) -> UnclearedAmount:
    return UnclearedAmount(
        account_kind=row["account_kind"],
        merchant_id=row["merchant_id"],
        currency_code=row["currency_code"],
        reference=row["reference"],
        root_reference=row["root_reference"],
        amount_minor=int(row["amount_minor"]),
        since=row["since"],
        due_time=domain.due_time(row["since"], row["account_kind"], dict(wanted.clearing_days)),
    )


def _place(key: Key) -> str:
    return "|".join(key[1:])


def _key_of(after: TimeKey) -> Key:
    parts = after[1].split("|", 3)
    if len(parts) < len(("account_kind", "merchant_id", "currency_code", "reference")):
        raise PageTokenInvalid("page_token is malformed.", field="page_token")
    return after[0], parts[0], parts[1], parts[2], parts[3]


async def count(tx: Tx, clearing_days: Mapping[str, int], *, overdue_at: datetime) -> list[UnclearedCount]:
    """Count what has not cleared, by kind of account and currency, and what should have cleared by then."""
    rows = await tx.fetch(_COUNT, *_clearing(clearing_days), overdue_at)
    return [UnclearedCount(**{**row, "amount_minor": int(row["amount_minor"])}) for row in rows]


def _clearing(days: Mapping[str, int]) -> tuple[list[str], list[str], list[timedelta]]:
    kinds = sorted(days)
    return list(domain.OWED_KINDS), kinds, [timedelta(days=days[kind]) for kind in kinds]
