"""The SQL that recomputes from the entries what the ledger claims, in sets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from paykit.postgres.database import Tx
from services.accounting.domain import lifecycle
from services.accounting.domain.chart import Chart
from services.accounting.domain.correction import CORRECTABLE_KINDS, CORRECTION
from services.accounting.domain.transaction import Account
from services.accounting.store.account import accounts
from services.accounting.store.archive.carried import ARCHIVED_MONTHS

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


# Each statement returns the first difference, as (subject, detail), or no row.

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

# What the legs of an account lead to, against the lines on it of transactions that have another main account.
_LEGS = """
WITH booked AS (
    SELECT month, position, account_no, sum(debit_minor) AS debit_minor, min(transaction_id) AS transaction_id,
        min(effective_at) AS effective_at
    FROM journal_line WHERE account_no <> main_no GROUP BY month, position, account_no
), led AS (
    SELECT leg.tableoid AS part, leg.ctid AS place, leg.month, leg.batch + led.at AS position, leg.account_no,
        leg.first_at, leg.last_at, leg.debit_minor
    FROM leg CROSS JOIN LATERAL (
        SELECT unnest(leg.positions)::bigint UNION ALL
        SELECT generate_series(0::bigint, leg.transactions - 1) WHERE leg.positions IS NULL
    ) AS led (at)
), compared AS (
    SELECT coalesce(led.account_no, booked.account_no) AS account_no, booked.transaction_id,
        CASE WHEN booked.month IS NULL THEN 'a leg leads to position ' || led.position || ', where it has no line'
            WHEN led.month IS NULL THEN 'no leg leads to ' || booked.transaction_id
            WHEN booked.effective_at NOT BETWEEN led.first_at AND led.last_at
                THEN 'a leg of other times leads to ' || booked.transaction_id
        END AS detail,
        led.part, led.place, led.debit_minor AS told_minor, booked.debit_minor,
        count(*) OVER (PARTITION BY booked.month, booked.position, booked.account_no) AS times
    FROM led FULL JOIN booked USING (month, position, account_no)
), differing AS (
    SELECT account_no, coalesce(detail, 'two legs lead to ' || transaction_id) AS detail
    FROM compared WHERE detail IS NOT NULL OR times > 1
    UNION ALL
    SELECT min(account_no), 'a leg says ' || min(told_minor) || ', its lines sum up to ' || sum(debit_minor)
    FROM compared WHERE detail IS NULL GROUP BY part, place HAVING min(told_minor) <> sum(debit_minor)
)
SELECT coalesce(account.account_id, 'number ' || differing.account_no) AS subject, detail
FROM differing LEFT JOIN account ON account.account_no = differing.account_no
ORDER BY 1, 2
LIMIT 1
"""

_REVERSALS = """
WITH reversal AS (
    SELECT transaction_id, reverses_transaction_id FROM transaction WHERE reverses_transaction_id IS NOT NULL
), original AS (
    SELECT transaction_id, transaction_type FROM transaction
    WHERE transaction_id IN (SELECT reverses_transaction_id FROM reversal)
), lines AS (
    SELECT transaction_id, array_agg(account_id || ' ' || amount_minor || ' ' || effect ORDER BY line) AS forth,
        array_agg(account_id || ' ' || amount_minor || ' ' || -effect ORDER BY line) AS back
    FROM entry
    WHERE transaction_id IN (SELECT transaction_id FROM reversal UNION SELECT transaction_id FROM original)
    GROUP BY transaction_id
), compared AS (
    SELECT reversal.transaction_id AS subject,
        CASE WHEN original.transaction_id IS NULL
                THEN 'reverses ' || reversal.reverses_transaction_id || ', which does not exist'
            WHEN original.transaction_type = 'Reversal' THEN 'reverses a reversal'
            WHEN taking.back IS DISTINCT FROM taken.forth
                THEN 'does not take back the entries of ' || original.transaction_id
        END AS detail
    FROM reversal
    LEFT JOIN original ON original.transaction_id = reversal.reverses_transaction_id
    LEFT JOIN lines AS taking ON taking.transaction_id = reversal.transaction_id
    LEFT JOIN lines AS taken ON taken.transaction_id = original.transaction_id
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_BALANCES = """
WITH booked AS (
    SELECT account_id, sum(effect_minor) AS booked_minor FROM (
        SELECT account_id, effect * amount_minor AS effect_minor FROM entry
        UNION ALL
        SELECT account.account_id,
            (debit_minor - credit_minor) * CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END
        FROM carried JOIN account ON account.account_no = carried.account_no
    ) AS effect GROUP BY account_id
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

# A lifecycle is known by its place in the arrays. What takes nothing out of transit needs no opening.
_STEPS = """
WITH step AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::boolean[]) AS step (transaction_type, lifecycle, ends)
), transit AS (
    SELECT * FROM unnest($4::integer[], $5::text[]) AS transit (lifecycle, account_kind)
), member AS (
    SELECT step.lifecycle, step.ends, transaction_id, related_no, merchant_id, currency_code, amount_minor
    FROM transaction JOIN step ON step.transaction_type = transaction.transaction_type
), ended AS (
    SELECT lifecycle, related_no, min(transaction_id) FILTER (WHERE ends) AS subject,
        min(transaction_id) FILTER (WHERE NOT ends) AS opening, count(*) FILTER (WHERE NOT ends) AS openings,
        count(*) FILTER (WHERE ends) AS endings,
        count(DISTINCT coalesce(merchant_id, '') || ' ' || currency_code) AS owners,
        min(amount_minor) FILTER (WHERE ends) AS taken_minor, min(amount_minor) FILTER (WHERE NOT ends) AS put_minor
    FROM member
    GROUP BY lifecycle, related_no
    HAVING bool_or(ends)
), net AS (
    SELECT member.lifecycle, member.related_no, sum(entry.effect * entry.amount_minor) AS effect_minor
    FROM member
    JOIN entry ON entry.transaction_id = member.transaction_id
    JOIN account ON account.account_id = entry.account_id
    JOIN transit ON transit.lifecycle = member.lifecycle AND transit.account_kind = account.account_kind
    GROUP BY member.lifecycle, member.related_no, account.account_kind
), held AS (
    SELECT lifecycle, related_no, sum(abs(effect_minor)) AS left_minor FROM net GROUP BY lifecycle, related_no
), compared AS (
    SELECT subject,
        CASE WHEN openings = 0 AND (coalesce(held.left_minor, 0) <> 0
                OR NOT EXISTS (SELECT FROM transit WHERE transit.lifecycle = ended.lifecycle))
                THEN 'ends ' || ended.related_no || ', which was not opened'
            WHEN endings > greatest(openings, 1)
                THEN 'is not the only one to end ' || coalesce(opening, ended.related_no)
            WHEN owners > 1 THEN 'ends ' || opening || ' of another merchant or currency'
            WHEN taken_minor <> put_minor
                THEN 'takes out ' || taken_minor || ' where ' || opening || ' put in ' || put_minor
            WHEN held.left_minor <> 0 THEN 'leaves ' || held.left_minor || ' of ' || opening || ' in transit'
        END AS detail
    FROM ended LEFT JOIN held ON held.lifecycle = ended.lifecycle AND held.related_no = ended.related_no
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_PORTIONS = """
WITH portions AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS portions (taking, opening, transit)
), taken AS (
    SELECT portions.opening, portions.transit, root_reference, min(transaction_id) AS subject,
        min(merchant_id) AS merchant_id, count(DISTINCT coalesce(merchant_id, '') || ' ' || currency_code) AS owners,
        min(currency_code) AS currency_code, sum(amount_minor) AS taken_minor
    FROM transaction JOIN portions ON portions.taking = transaction.transaction_type
    GROUP BY portions.opening, portions.transit, root_reference
), opened AS (
    SELECT transaction_id, transaction_type, related_no, merchant_id, currency_code
    FROM transaction WHERE transaction_type IN (SELECT opening FROM portions)
), held AS (
    SELECT entry.transaction_id, account.account_kind, sum(entry.effect * entry.amount_minor) AS amount_minor
    FROM opened
    JOIN entry ON entry.transaction_id = opened.transaction_id
    JOIN account ON account.account_id = entry.account_id
    GROUP BY entry.transaction_id, account.account_kind
), compared AS (
    SELECT subject,
        CASE WHEN opened.transaction_id IS NULL
                THEN 'takes of ' || opening || ' ' || taken.root_reference || ', which does not exist'
            WHEN owners > 1 OR (taken.merchant_id, taken.currency_code)
                IS DISTINCT FROM (opened.merchant_id, opened.currency_code)
                THEN 'takes of ' || opened.transaction_id || ' of another merchant or currency'
            WHEN taken_minor > coalesce(held.amount_minor, 0)
                THEN 'is one of those that take ' || taken_minor || ' where ' || opened.transaction_id || ' put aside '
                    || coalesce(held.amount_minor, 0)
        END AS detail
    FROM taken
    LEFT JOIN opened ON opened.transaction_type = taken.opening AND opened.related_no = taken.root_reference
    LEFT JOIN held ON held.transaction_id = opened.transaction_id AND held.account_kind = taken.transit
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

_CORRECTIONS = """
SELECT transaction.transaction_id AS subject, 'moves ' || account.account_kind AS detail
FROM transaction
JOIN entry ON entry.transaction_id = transaction.transaction_id
JOIN account ON account.account_id = entry.account_id
WHERE transaction.transaction_type = $1 AND account.account_kind <> ALL ($2::text[])
ORDER BY transaction.transaction_id, entry.line
LIMIT 1
"""

# Also by what was refused: the refusal may be from before types had numbers.
_REFUSALS = """
SELECT refusal.transaction_id AS subject, 'is booked, though refused to its event' AS detail
FROM refusal JOIN transaction ON transaction.transaction_id = refusal.transaction_id
UNION
SELECT refusal.transaction_id, 'is booked, though refused to its event'
FROM refusal JOIN transaction
    ON transaction.transaction_type = refusal.transaction_type AND transaction.related_no = refusal.related_no
ORDER BY 1
LIMIT 1
"""

_COUNT = {
    table: f"SELECT count(*) FROM {table}"
    for table in ("account", "transaction", "entry", "leg", "balance", "refusal", "carried")
}

_SELECT_NAMES = """
SELECT transaction_id, transaction_type, related_no, key, month, former_id FROM journal_transaction
UNION ALL
SELECT transaction_id, transaction_type, related_no, NULL, NULL, NULL FROM former_transaction
"""


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
        SetCheck("entries on their accounts", "entry", _ENTRIES_ON_ACCOUNTS),
        SetCheck("entries of their transactions", "entry", _ENTRIES_OF_TRANSACTIONS),
        SetCheck("reversals", "transaction", _REVERSALS),
        SetCheck("steps and their ends", "transaction", _STEPS, _steps()),
        SetCheck("parts of what is put aside", "transaction", _PORTIONS, _portions()),
        SetCheck("corrections", "transaction", _CORRECTIONS, (CORRECTION, sorted(CORRECTABLE_KINDS))),
        SetCheck("refusals", "refusal", _REFUSALS),
        SetCheck("legs of accounts", "leg", _LEGS),
        SetCheck("archived months", "carried", ARCHIVED_MONTHS),
        SetCheck("balances", "balance", _BALANCES),
        SetCheck("floors", "balance", _FLOORS, (list(chart.floors), list(chart.floors.values()))),
        SetCheck("trial balance", "balance", _TRIAL_BALANCE),
    )


def _steps() -> tuple[list[Any], ...]:
    steps = [
        (step, at, step in lives.endings)
        for at, lives in enumerate(lifecycle.LIFECYCLES)
        for step in (*lives.openings, *lives.endings)
    ]
    transit = [(at, kind) for at, lives in enumerate(lifecycle.LIFECYCLES) for kind in lives.transit]
    return (*map(list, zip(*steps, strict=True)), *map(list, zip(*transit, strict=True)))


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


async def all_transaction_names(tx: Tx) -> AsyncIterator[TransactionName]:
    """Read what every transaction is known by."""
    async for page in tx.pages(_SELECT_NAMES, rows_max=PAGE_ROWS):
        for transaction_id, transaction_type, related_no, key, month, former_id in page:
            digits = None if key is None else key.hex
            yield TransactionName(transaction_id, transaction_type, related_no, digits, month, former_id is not None)
