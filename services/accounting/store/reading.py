"""The SQL of the reading calls: transactions, accounts, balances as of a time, statements, the trial balance.

A balance as of a time is the present balance less the entries after that time: most questions are about recent times,
and the primary key of entry leads straight to the entries behind them. All queries of one call see one snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import Side
from services.accounting.domain import chart
from services.accounting.domain import transaction as domain
from services.accounting.domain.chart import Chart
from services.accounting.domain.transaction import Account, Transaction
from services.accounting.store import postings as store

METADATA = sa.MetaData()
_ID = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)

TRANSACTION = sa.Table(
    "transaction",
    METADATA,
    sa.Column("transaction_id", _ID, primary_key=True),
    sa.Column("related_no", _ID),
    sa.Column("root_reference", _ID),
    sa.Column("merchant_id", _ID),
    sa.Column("effective_at", _TIME),
)
ACCOUNT = sa.Table(
    "account",
    METADATA,
    sa.Column("account_id", _ID, primary_key=True),
    sa.Column("account_kind", _ID),
    sa.Column("merchant_id", _ID),
    sa.Column("currency_code", _ID),
    sa.Column("create_time", _TIME),
)

_SELECT_BALANCE = "SELECT coalesce(sum(balance_minor), 0) FROM balance WHERE account_id = $1"

_SELECT_AFTER = """
SELECT coalesce(sum(effect * amount_minor), 0) FROM entry WHERE account_id = $1 AND effective_at > $2
"""

_SELECT_FROM = """
SELECT coalesce(sum(effect * amount_minor), 0) FROM entry WHERE account_id = $1 AND effective_at >= $2
"""

_SELECT_BEHIND = """
SELECT coalesce(sum(effect * amount_minor), 0) FROM entry
WHERE account_id = $1 AND (effective_at, transaction_id, line) > ($2, $3, $4)
"""

# The row comparison starts the index scan behind the page before; the first page starts at the statement's beginning.
_SELECT_LINES = """
SELECT entry.transaction_id, transaction.transaction_type, transaction.related_no, entry.line, entry.side, entry.effect,
    entry.amount_minor, entry.effective_at
FROM (
    SELECT * FROM entry
    WHERE account_id = $1 AND (effective_at, transaction_id, line) > ($2, $3, $4)
        AND effective_at >= $5 AND effective_at < $6
    ORDER BY effective_at, transaction_id, line
    LIMIT $7
) AS entry
JOIN transaction ON transaction.transaction_id = entry.transaction_id
ORDER BY entry.effective_at, entry.transaction_id, entry.line
"""

# Account by account, because a range of times is a range of the index within one account only.
_SELECT_TRIAL_BALANCE = """
SELECT account.currency_code, account.account_kind, account.normal_side,
    sum(present.balance_minor - later.effect_minor) AS balance_minor
FROM account
CROSS JOIN LATERAL (
    SELECT coalesce(sum(balance_minor), 0) AS balance_minor FROM balance WHERE balance.account_id = account.account_id
) AS present
CROSS JOIN LATERAL (
    SELECT coalesce(sum(effect * amount_minor), 0) AS effect_minor FROM entry
    WHERE entry.account_id = account.account_id AND entry.effective_at > $1
) AS later
WHERE $2::text IS NULL OR account.currency_code = $2
GROUP BY account.currency_code, account.account_kind, account.normal_side
ORDER BY account.currency_code, account.account_kind
"""

LineKey = tuple[datetime, str, int]
"""effective_at, transaction_id, line: the order of a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Which transactions to list: from `start` on, before `end`; None does not filter."""

    merchant_id: str | None = None
    root_reference: str | None = None
    related_no: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts to list; None does not filter."""

    merchant_id: str | None = None
    account_kind: str | None = None
    currency_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One entry of a statement, with the account's balance after it."""

    transaction_id: str
    transaction_type: str
    related_no: str
    line: int
    side: Side
    effect: int
    amount_minor: int
    effective_at: datetime
    running_balance_minor: int

    @property
    def key(self) -> LineKey:
        """Give its place in the order of the statement."""
        return self.effective_at, self.transaction_id, self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A part of an account's statement; opening and closing balance are those of the whole."""

    account: Account
    opening_balance_minor: int
    closing_balance_minor: int
    lines: tuple[StatementLine, ...]

    def cut(self, size: int) -> tuple["Statement", bool]:
        """Give at most this many lines of it, and whether there are more."""
        return replace(self, lines=self.lines[:size]), len(self.lines) > size


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceLine:
    """All accounts of one kind and currency together; at most one of debit and credit is above 0."""

    currency_code: str
    account_kind: str
    debit_minor: int
    credit_minor: int


async def list_transactions(
    tx: Tx, wanted: TransactionFilter, *, after: TimeKey | None, limit: int
) -> list[Transaction]:
    """Read transactions with their entries, the latest effective time first, from after a key on if one is given."""
    columns = TRANSACTION.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.merchant_id is not None:
        conditions.append(columns.merchant_id == wanted.merchant_id)
    if wanted.root_reference is not None:
        conditions.append(columns.root_reference == wanted.root_reference)
    if wanted.related_no is not None:
        conditions += [columns.related_no == wanted.related_no, _findable_by(wanted.related_no)]
    if wanted.start is not None:
        conditions.append(columns.effective_at >= wanted.start)
    if wanted.end is not None:
        conditions.append(columns.effective_at < wanted.end)
    if after is not None:
        conditions.append(sa.tuple_(columns.effective_at, columns.transaction_id) < sa.tuple_(*after))
    statement = sa.select(columns.transaction_id).where(sa.true(), *conditions).limit(limit)
    order = (columns.effective_at.desc(), columns.transaction_id.desc())
    ids = [row[0] for row in await tx.select(statement.order_by(*order))]
    found = await store.find_transactions(tx, ids)
    return [found[each] for each in ids]


def _findable_by(related_no: str) -> sa.ColumnElement[bool]:
    """Lead to a related_no without an index of its own, which every payment would pay for.

    What events book and reversals have ids made of it; for a manual journal it is the root_reference.
    """
    ids = [domain.transaction_id(each, related_no) for each in (*chart.EVENT_AMOUNTS, domain.REVERSAL)]
    return sa.or_(TRANSACTION.c.transaction_id.in_(ids), TRANSACTION.c.root_reference == related_no)


async def list_accounts(
    tx: Tx, chart: Chart, wanted: AccountFilter, *, behind: str | None, limit: int
) -> list[Account]:
    """Read accounts in the order of their ids, behind one if it is given."""
    columns = ACCOUNT.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.merchant_id is not None:
        conditions.append(columns.merchant_id == wanted.merchant_id)
    if wanted.account_kind is not None:
        conditions.append(columns.account_kind == wanted.account_kind)
    if wanted.currency_code is not None:
        conditions.append(columns.currency_code == wanted.currency_code)
    if behind is not None:
        conditions.append(columns.account_id > behind)
    statement = sa.select(ACCOUNT).where(sa.true(), *conditions).order_by(columns.account_id).limit(limit)
    return [store.account(chart, row._asdict()) for row in await tx.select(statement)]


async def balance(tx: Tx, account_id: str, *, as_of: datetime | None = None) -> int:
    """Give an account's balance in minor units, with the entries effective at or before a time, or with all."""
    present = await _sum(tx, _SELECT_BALANCE, account_id)
    return present if as_of is None else present - await _sum(tx, _SELECT_AFTER, account_id, as_of)


async def statement(
    tx: Tx, account: Account, *, start: datetime, end: datetime, behind: LineKey | None, limit: int
) -> Statement:
    """Read a part of an account's statement over [start, end), behind a place if one is given."""
    account_id = account.account_id
    present = await _sum(tx, _SELECT_BALANCE, account_id)
    opening = present - await _sum(tx, _SELECT_FROM, account_id, start)
    closing = present - await _sum(tx, _SELECT_FROM, account_id, end)
    running = opening if behind is None else present - await _sum(tx, _SELECT_BEHIND, account_id, *behind)
    place = behind or (start, "", 0)
    rows = await tx.fetch(_SELECT_LINES, account_id, *place, start, end, limit)
    return Statement(
        account=account,
        opening_balance_minor=opening,
        closing_balance_minor=closing,
        lines=_with_running_balance(rows, running),
    )


async def trial_balance(tx: Tx, *, as_of: datetime | None, currency_code: str | None) -> list[TrialBalanceLine]:
    """Sum up accounts by currency and kind, in that order, with the entries effective at or before a time, or all."""
    return [_trial_line(row) for row in await tx.fetch(_SELECT_TRIAL_BALANCE, as_of, currency_code)]


def _with_running_balance(rows: Sequence[Mapping[str, Any]], running: int) -> tuple[StatementLine, ...]:
    lines = []
    for row in rows:
        running += row["effect"] * row["amount_minor"]
        fields = {**row, "side": Side(row["side"])}
        lines.append(StatementLine(**fields, running_balance_minor=running))
    return tuple(lines)


def _trial_line(row: Mapping[str, Any]) -> TrialBalanceLine:
    net = int(row["balance_minor"]) * (1 if row["normal_side"] == Side.DEBIT else -1)
    return TrialBalanceLine(
        currency_code=row["currency_code"],
        account_kind=row["account_kind"],
        debit_minor=max(net, 0),
        credit_minor=max(-net, 0),
    )


async def _sum(tx: Tx, sql: str, *args: Any) -> int:
    rows = await tx.fetch(sql, *args)
    return int(rows[0][0])
