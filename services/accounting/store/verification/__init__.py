"""The SQL that recomputes from the entries what the ledger claims, in sets: `lines` and `steps`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from paykit.postgres.database import Tx
from services.accounting.domain import lifecycle, transaction_key
from services.accounting.domain.chart import Chart
from services.accounting.domain.correction import CORRECTABLE_KINDS, CORRECTION
from services.accounting.domain.transaction import Account
from services.accounting.store.account import accounts
from services.accounting.store.archive.carried import ARCHIVED_MONTHS
from services.accounting.store.verification import lines, steps

PAGE_ROWS = 20_000
"""Rows of one page where ids are recomputed in Python, for PostgreSQL has no SHA-1."""


@dataclass(frozen=True, slots=True)
class SetCheck:
    """A claim that one statement holds against all rows.

    Attributes:
        name: What is claimed.
        table: The one whose rows are looked at.
        sql: Selects the first difference.
        args: Its parameters.
    """

    name: str
    table: str
    sql: str
    args: tuple[Any, ...] = ()


_FLOORS = """
SELECT balance.account_id AS subject,
    CASE WHEN account.account_id IS NULL THEN 'has a balance but does not exist'
        WHEN balance.floor_minor IS DISTINCT FROM rule.floor_minor
            THEN 'floor is ' || coalesce(balance.floor_minor::text, 'none') || ', the chart says '
                || coalesce(rule.floor_minor::text, 'none')
        ELSE 'balance ' || balance.balance_minor || ' is below the floor ' || rule.floor_minor
    END AS detail
FROM balance
LEFT JOIN account ON account.account_id = balance.account_id
LEFT JOIN unnest($1::text[], $2::bigint[]) AS rule (account_kind, floor_minor)
    ON rule.account_kind = account.account_kind
WHERE account.account_id IS NULL OR balance.floor_minor IS DISTINCT FROM rule.floor_minor
    OR balance.balance_minor < rule.floor_minor
ORDER BY balance.account_id, balance.stripe
LIMIT 1
"""

_TRIAL_BALANCE = """
SELECT account.currency_code AS subject,
    'debits exceed credits by '
        || sum(CASE account.normal_side WHEN 'DEBIT' THEN balance_minor ELSE -balance_minor END) AS detail
FROM balance JOIN account ON account.account_id = balance.account_id
GROUP BY account.currency_code
HAVING sum(CASE account.normal_side WHEN 'DEBIT' THEN balance_minor ELSE -balance_minor END) <> 0
ORDER BY account.currency_code
LIMIT 1
"""

_COUNT = {
    table: f"SELECT count(*) FROM {table}"
    for table in ("account", "transaction", "leg", "balance", "refusal", "carried")
} | {"entry": lines.COUNT_LINES}

# An id whose bits are the number of the row's type and the time of its month, and a row that says nothing else of its
# name, are right: that is most. What is left is looked at in Python: names, former ids, and what differs.
_SELECT_NAMES = """
WITH place AS (
    SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[]) AS place (month, first_id, behind_id)
), known AS (
    SELECT type_no
    FROM unnest($4::smallint[], $5::text[], $6::text[]) AS known (type_no, transaction_type, related_prefix)
    JOIN transaction_type USING (type_no, transaction_type, related_prefix)
), named AS (
    SELECT journal.transaction_id AS key, journal.month
    FROM journal
    LEFT JOIN place ON place.month = journal.month
    LEFT JOIN known ON known.type_no = journal.type_no
    WHERE (journal.transaction_id >= first_id AND journal.transaction_id < behind_id
        AND get_byte(uuid_send(journal.transaction_id), 6) >> 4 = known.type_no >> 2
        AND get_byte(uuid_send(journal.transaction_id), 8) >> 6 = known.type_no & 3
        AND num_nulls(journal.transaction_type, journal.related_no) = 2) IS NOT true
)
SELECT transaction_id, transaction_type, related_no, key, month, former_id
FROM named JOIN journal_transaction USING (key, month)
UNION ALL
SELECT transaction_id, transaction_type, related_no, NULL, NULL, NULL FROM former_transaction
"""

_SELECT_FORMER_IDS = "SELECT transaction_id, former_id FROM journal WHERE former_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class TransactionName:
    """What a transaction is known by.

    Attributes:
        transaction_id: As told.
        key: The digits of its row; None in the former tables, as the next.
        month: Of its row.
        former: Whether it is told under another id than the row's.
    """

    transaction_id: str
    transaction_type: str
    related_no: str
    key: str | None
    month: int | None
    former: bool


def set_checks(chart: Chart) -> tuple[SetCheck, ...]:
    """Return the claims that are checked in sets, in order."""
    return (
        SetCheck("entries on their accounts", "entry", lines.ENTRIES_ON_ACCOUNTS),
        SetCheck("entries of their transactions", "entry", lines.ENTRIES_OF_TRANSACTIONS),
        SetCheck("reversals", "transaction", steps.REVERSALS),
        SetCheck("steps and their ends", "transaction", steps.STEPS, _lifecycles()),
        SetCheck("parts of what is put aside", "transaction", steps.PORTIONS, _portions()),
        SetCheck("corrections", "transaction", steps.CORRECTIONS, (CORRECTION, sorted(CORRECTABLE_KINDS))),
        SetCheck("refusals", "refusal", steps.REFUSALS),
        SetCheck("legs of accounts", "leg", lines.LEGS),
        SetCheck("archived months", "carried", ARCHIVED_MONTHS),
        SetCheck("balances", "balance", lines.BALANCES),
        SetCheck("floors", "balance", _FLOORS, (list(chart.floors), list(chart.floors.values()))),
        SetCheck("trial balance", "balance", _TRIAL_BALANCE),
    )


def _lifecycles() -> tuple[list[Any], ...]:
    members = [
        (step, at, step in lives.endings)
        for at, lives in enumerate(lifecycle.LIFECYCLES)
        for step in (*lives.openings, *lives.endings)
    ]
    transit = [(at, kind) for at, lives in enumerate(lifecycle.LIFECYCLES) for kind in lives.transit]
    return (*map(list, zip(*members, strict=True)), *map(list, zip(*transit, strict=True)))


def _portions() -> tuple[list[Any], ...]:
    takings = [(taking, portions.opening, portions.transit) for taking, portions in lifecycle.TAKEN_BY.items()]
    return tuple(map(list, zip(*takings, strict=True)))


async def first_difference(tx: Tx, check: SetCheck) -> tuple[str, str] | None:
    """Return the subject and the detail of the first row that a claim does not hold for; None if it holds."""
    for row in await tx.fetch(check.sql, *check.args):
        return row["subject"], row["detail"]
    return None


async def count_rows(tx: Tx) -> dict[str, int]:
    """Count the rows of each table."""
    return {table: int((await tx.fetch(sql))[0][0]) for table, sql in _COUNT.items()}


async def all_accounts(tx: Tx) -> AsyncIterator[Account]:
    """Read every account, in the order of ids."""
    last = ""
    while page := await accounts.select(tx, "account_id > $1 ORDER BY account_id LIMIT $2", last, PAGE_ROWS):
        for account in page:
            yield account
        last = page[-1].account_id


async def transaction_names(tx: Tx) -> AsyncIterator[TransactionName]:
    """Read what transactions are known by, but for those whose row says nothing that does not follow from its key."""
    months = transaction_key.month_ranges()
    types = [(each.number, each.transaction_type, each.related_prefix) for each in transaction_key.TRANSACTION_TYPES]
    args = [*map(list, zip(*months, strict=True)), *map(list, zip(*types, strict=True))]
    async for page in tx.pages(_SELECT_NAMES, *args, rows_max=PAGE_ROWS):
        for transaction_id, transaction_type, related_no, key, month, former_id in page:
            digits = None if key is None else key.hex
            yield TransactionName(transaction_id, transaction_type, related_no, digits, month, former_id is not None)


async def former_ids(tx: Tx) -> AsyncIterator[list[tuple[UUID, UUID]]]:
    """Read in pages the ids that rows stand under, and those that they are told under instead."""
    async for page in tx.pages(_SELECT_FORMER_IDS, rows_max=PAGE_ROWS):
        yield [(key, former_id) for key, former_id in page]
