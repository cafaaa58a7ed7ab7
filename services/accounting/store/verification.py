"""Everything the ledger claims, recomputed from its entries.

What foreign keys on entries and a check of each row would cost in speed is caught up with here, in sets, on one
snapshot. `paystream ledger verify` runs it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from paykit.postgres.database import Tx
from services.accounting import charts
from services.accounting.domain import lifecycle as life
from services.accounting.domain import transaction as domain
from services.accounting.domain.chart import AccountKind, Chart, account_id
from services.accounting.store import postings as store

Progress = Callable[[str, int], None]
"""Called after each check with its name and the number of rows it looked at."""

PAGE_ROWS = 20_000
"""Rows of one page where ids are recomputed in Python, for PostgreSQL has no SHA-1."""


class LedgerDifferenceError(Exception):
    """The ledger is not what its entries say.

    Attributes:
        check: Which claim does not hold.
        subject: The transaction, account or currency concerned.
        detail: What was found.
    """

    def __init__(self, check: str, subject: str, detail: str) -> None:
        super().__init__(f"{check}: {subject}: {detail}")
        self.check = check
        self.subject = subject
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was looked at, when all of it holds."""

    accounts: int
    transactions: int
    entries: int
    checks: tuple[str, ...]


# Each statement gives the first difference, as (subject, detail), or no row.

_ENTRIES_ON_ACCOUNTS = """
SELECT entry.transaction_id || ' line ' || entry.line AS subject,
    CASE WHEN account.account_id IS NULL THEN 'there is no account ' || entry.account_id
        WHEN account.currency_code <> entry.currency_code
            THEN 'in ' || entry.currency_code || ' on an account in ' || account.currency_code
        ELSE entry.side || ' has effect ' || entry.effect || ' on an account of side ' || account.normal_side
    END AS detail
FROM entry LEFT JOIN account ON account.account_id = entry.account_id
WHERE account.account_id IS NULL OR account.currency_code <> entry.currency_code
    OR entry.effect <> CASE WHEN entry.side = account.normal_side THEN 1 ELSE -1 END
ORDER BY entry.transaction_id, entry.line
LIMIT 1
"""

_ENTRIES_OF_TRANSACTIONS = """
WITH booked AS (
    SELECT transaction_id, count(*) AS lines, max(line) AS last_line, min(currency_code) AS least_currency,
        max(currency_code) AS greatest_currency, min(effective_at) AS earliest, max(effective_at) AS latest,
        sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) AS excess,
        array_agg(DISTINCT account_id) AS account_ids
    FROM entry GROUP BY transaction_id
), compared AS (
    SELECT coalesce(transaction.transaction_id, booked.transaction_id) AS subject,
        CASE WHEN transaction.transaction_id IS NULL THEN 'has entries but does not exist'
            WHEN booked.transaction_id IS NULL THEN 'has no entries'
            WHEN lines < 2 THEN 'has 1 entry'
            WHEN last_line <> lines - 1 THEN 'has ' || lines || ' entries, the last is line ' || last_line
            WHEN least_currency <> currency_code OR greatest_currency <> currency_code
                THEN 'is in ' || currency_code || ' with entries in others'
            WHEN excess <> 0 THEN 'debits exceed credits by ' || excess
            WHEN earliest <> effective_at OR latest <> effective_at THEN 'has entries of other effective times'
            WHEN NOT (transaction.account_ids @> booked.account_ids AND booked.account_ids @> transaction.account_ids)
                THEN 'names other accounts than its entries'
        END AS detail
    FROM transaction FULL JOIN booked ON booked.transaction_id = transaction.transaction_id
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_REVERSALS = """
WITH compared AS (
    SELECT reversal.transaction_id AS subject,
        CASE WHEN original.transaction_id IS NULL
                THEN 'reverses ' || reversal.reverses_transaction_id || ', which does not exist'
            WHEN original.transaction_type = 'Reversal' THEN 'reverses a reversal'
            WHEN (
                SELECT count(*) FROM entry AS back
                JOIN entry AS forth ON forth.account_id = back.account_id AND forth.line = back.line
                    AND forth.transaction_id = original.transaction_id AND forth.effective_at = original.effective_at
                    AND forth.amount_minor = back.amount_minor AND forth.effect = -back.effect
                WHERE back.account_id = ANY (reversal.account_ids) AND back.effective_at = reversal.effective_at
                    AND back.transaction_id = reversal.transaction_id
            ) <> (
                SELECT count(*) FROM entry AS forth
                WHERE forth.account_id = ANY (original.account_ids) AND forth.effective_at = original.effective_at
                    AND forth.transaction_id = original.transaction_id
            ) THEN 'does not take back the entries of ' || original.transaction_id
        END AS detail
    FROM transaction AS reversal
    LEFT JOIN transaction AS original ON original.transaction_id = reversal.reverses_transaction_id
    WHERE reversal.reverses_transaction_id IS NOT NULL
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_BALANCES = """
WITH booked AS (
    SELECT account_id, sum(effect * amount_minor) AS booked_minor FROM entry GROUP BY account_id
), kept AS (
    SELECT account_id, sum(balance_minor) AS kept_minor FROM balance GROUP BY account_id
)
SELECT coalesce(booked.account_id, kept.account_id) AS subject,
    'balance is ' || coalesce(kept_minor, 0) || ', its entries sum up to ' || coalesce(booked_minor, 0) AS detail
FROM booked FULL JOIN kept ON kept.account_id = booked.account_id
WHERE coalesce(kept_minor, 0) <> coalesce(booked_minor, 0)
ORDER BY subject
LIMIT 1
"""

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

_STEPS = """
WITH step AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS step (ending, opening, transit)
), ended AS (
    SELECT ending.*, step.opening, step.transit,
        count(*) OVER (PARTITION BY step.opening, ending.related_no) AS endings
    FROM transaction AS ending JOIN step ON step.ending = ending.transaction_type
), compared AS (
    SELECT ended.transaction_id AS subject,
        CASE WHEN opened.transaction_id IS NULL
                THEN 'ends ' || ended.opening || ' ' || ended.related_no || ', which does not exist'
            WHEN ended.endings > 1 THEN 'is not the only one to end ' || opened.transaction_id
            WHEN (ended.merchant_id, ended.currency_code) IS DISTINCT FROM (opened.merchant_id, opened.currency_code)
                THEN 'ends ' || opened.transaction_id || ' of another merchant or currency'
            WHEN ended.amount_minor <> held.amount_minor
                THEN 'takes out ' || ended.amount_minor || ' where ' || opened.transaction_id || ' put in '
                    || held.amount_minor
        END AS detail
    FROM ended
    LEFT JOIN transaction AS opened
        ON opened.transaction_type = ended.opening AND opened.related_no = ended.related_no
    CROSS JOIN LATERAL (
        SELECT CASE WHEN ended.transit IS NULL THEN opened.amount_minor ELSE (
            SELECT coalesce(sum(entry.effect * entry.amount_minor), 0)
            FROM entry JOIN account ON account.account_id = entry.account_id AND account.account_kind = ended.transit
            WHERE entry.account_id = ANY (opened.account_ids) AND entry.effective_at = opened.effective_at
                AND entry.transaction_id = opened.transaction_id
        ) END AS amount_minor
    ) AS held
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_REFUSALS = """
SELECT refusal.transaction_id AS subject, 'is booked, though refused to its event' AS detail
FROM refusal JOIN transaction ON transaction.transaction_id = refusal.transaction_id
ORDER BY refusal.transaction_id
LIMIT 1
"""

_COUNT = {table: f"SELECT count(*) FROM {table}" for table in ("account", "transaction", "entry", "balance", "refusal")}

_PAGE_OF_ACCOUNTS = """
SELECT account_id, account_kind, merchant_id, currency_code, normal_side FROM account
WHERE account_id > $1 ORDER BY account_id LIMIT $2
"""

_PAGE_OF_TRANSACTIONS = """
SELECT transaction_id, transaction_type, related_no FROM transaction
WHERE transaction_id > $1 ORDER BY transaction_id LIMIT $2
"""


async def verify(tx: Tx, *, progress: Progress = lambda _check, _rows: None) -> VerifyReport:
    """Check every claim of the ledger on the transaction's snapshot.

    Raises:
        LedgerDifferenceError: The first claim that does not hold.
    """
    # A large ledger takes longer than any call, and is read from end to end.
    await tx.fetch("SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true)")
    chart = charts.load(await store.chart_in_use(tx))
    counts = {table: int((await tx.fetch(sql))[0][0]) for table, sql in _COUNT.items()}
    floors = (list(chart.floors), list(chart.floors.values()))
    done: list[str] = []

    async def check(name: str, rows: int, work: Awaitable[None]) -> None:
        await work
        done.append(name)
        progress(name, rows)

    await check("account ids", counts["account"], _check_accounts(tx, chart))
    await check("transaction ids", counts["transaction"], _check_transactions(tx))
    for name, rows, sql, args in (
        ("entries on their accounts", counts["entry"], _ENTRIES_ON_ACCOUNTS, ()),
        ("entries of their transactions", counts["entry"], _ENTRIES_OF_TRANSACTIONS, ()),
        ("reversals", counts["transaction"], _REVERSALS, ()),
        ("steps and their ends", counts["transaction"], _STEPS, _steps()),
        ("refusals", counts["refusal"], _REFUSALS, ()),
        ("balances", counts["balance"], _BALANCES, ()),
        ("floors", counts["balance"], _FLOORS, floors),
        ("trial balance", counts["balance"], _TRIAL_BALANCE, ()),
    ):
        await check(name, rows, _check_none(tx, name, sql, *args))
    return VerifyReport(
        accounts=counts["account"],
        transactions=counts["transaction"],
        entries=counts["entry"],
        checks=tuple(done),
    )


def _steps() -> tuple[list[str], list[str], list[str | None]]:
    """Give endings, their openings, and the kinds of account that lie between."""
    ended = life.ENDED_BY.items()
    return [ending for ending, _ in ended], [each.opening for _, each in ended], [each.transit for _, each in ended]


async def _check_none(tx: Tx, name: str, sql: str, *args: Any) -> None:
    for row in await tx.fetch(sql, *args):
        raise LedgerDifferenceError(name, row["subject"], row["detail"])


async def _check_accounts(tx: Tx, chart: Chart) -> None:
    last = ""
    while rows := await tx.fetch(_PAGE_OF_ACCOUNTS, last, PAGE_ROWS):
        for row in rows:
            _check_account(chart.kinds.get(row["account_kind"]), row)
        last = rows[-1]["account_id"]


def _check_account(kind: AccountKind | None, row: Any) -> None:
    if kind is None:
        raise LedgerDifferenceError("account ids", row["account_id"], f"the chart has no kind {row['account_kind']}")
    if row["normal_side"] != kind.normal_side:
        message = f"normal side is {row['normal_side']}, the chart says {kind.normal_side}"
        raise LedgerDifferenceError("account ids", row["account_id"], message)
    if row["account_id"] != account_id(kind, row["merchant_id"], row["currency_code"]):
        message = f"is not the id of {kind.name}, {row['merchant_id']}, {row['currency_code']}"
        raise LedgerDifferenceError("account ids", row["account_id"], message)


async def _check_transactions(tx: Tx) -> None:
    last = ""
    while rows := await tx.fetch(_PAGE_OF_TRANSACTIONS, last, PAGE_ROWS):
        for last, transaction_type, related_no in rows:
            if last != domain.transaction_id(transaction_type, related_no):
                raise LedgerDifferenceError(
                    "transaction ids", last, f"is not the id of {transaction_type} {related_no}"
                )
