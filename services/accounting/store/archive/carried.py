"""The SQL of what was carried forward of archived months, and of refusing what lies among their entries.

A sum of carried entries counts wholly or not at all; where a time lies between the first and the last of them, who asks
is refused. All of a read must see the same months: it takes hold of the journal before its snapshot is taken, for which
archiving waits.
"""

from datetime import datetime, timedelta

from paykit.postgres.database import Tx
from services.accounting.domain.archive import ArchivedMonth, month_archived

RESOLUTION = timedelta(microseconds=1)
"""Of times in the ledger."""

_HOLD = "LOCK TABLE journal IN ACCESS SHARE MODE"

# Between the first and the last, as seen from just behind $2, from $2 on, or anywhere in [$2, $3).
_ACCOUNT = "carried.account_no = (SELECT account_no FROM account WHERE account_id = $1) AND "
_SELECT_STRADDLING = """
SELECT carried.month, archived_month.manifest_hash, carried.last_at
FROM carried JOIN archived_month ON archived_month.month = carried.month
WHERE {condition} ORDER BY carried.last_at DESC LIMIT 1
"""
_SPLIT_OF_ACCOUNT = _SELECT_STRADDLING.format(condition=_ACCOUNT + "first_at <= $2 AND last_at > $2")
_SPLIT = _SELECT_STRADDLING.format(condition="first_at <= $1 AND last_at > $1")
_WITHIN_ACCOUNT = _SELECT_STRADDLING.format(condition=_ACCOUNT + "first_at < $3 AND last_at >= $2")
_WITHIN = _SELECT_STRADDLING.format(condition="first_at < $2 AND last_at >= $1")

EFFECT_AFTER = """
coalesce((SELECT sum(debit_minor - credit_minor) FROM carried
    WHERE carried.account_no = {number} AND carried.first_at > {since}), 0)
"""
"""In SQL, what carried entries behind a time debited an account with, in minor units."""

ARCHIVED_MONTHS = """
WITH pair AS (
    SELECT month, count(*) FILTER (WHERE NOT former) AS pairs FROM archived_transaction GROUP BY month
), sums AS (
    SELECT carried.month, account.currency_code, sum(debit_minor - credit_minor) AS excess
    FROM carried LEFT JOIN account ON account.account_no = carried.account_no
    GROUP BY carried.month, account.currency_code
), differing AS (
    SELECT coalesce(pair.month, archived_month.month) AS month,
        'has ' || coalesce(archived_month.transactions, 0) || ' archived transactions, of which '
            || coalesce(pair.pairs, 0) || ' are known' AS detail
    FROM archived_month FULL JOIN pair ON pair.month = archived_month.month
    WHERE coalesce(archived_month.transactions, 0) <> coalesce(pair.pairs, 0)
    UNION ALL
    SELECT sums.month, CASE WHEN archived_month.month IS NULL THEN 'carries sums, though it is not archived'
        ELSE 'carries debits that exceed credits by ' || excess || ' in ' || coalesce(currency_code, 'no currency') END
    FROM sums LEFT JOIN archived_month ON archived_month.month = sums.month
    WHERE excess <> 0 OR currency_code IS NULL OR archived_month.month IS NULL
    UNION ALL
    SELECT archived_month.month, 'carries nothing'
    FROM archived_month WHERE NOT EXISTS (SELECT FROM sums WHERE sums.month = archived_month.month)
    UNION ALL
    SELECT archived.month, 'txn_' || id_digits(archived.transaction_id) || ' is booked, though archived'
    FROM archived_transaction AS archived
    JOIN journal ON journal.transaction_id = archived.transaction_id AND journal.month = archived.month
)
SELECT month / 12 || '-' || lpad((month % 12 + 1)::text, 2, '0') AS subject, detail
FROM differing ORDER BY 1, 2 LIMIT 1
"""
"""Selects the first difference between what was carried forward of a month and what is known of its transactions."""

_SELECT_MONTHS = "SELECT month, manifest_hash FROM archived_month ORDER BY month"


async def hold_journal(tx: Tx) -> None:
    """Keep months from being archived until the transaction ends; to be called before anything is read in it."""
    await tx.fetch(_HOLD)


async def archived_months(tx: Tx) -> list[ArchivedMonth]:
    """Read which months are archived, in order."""
    return [ArchivedMonth(row["month"], row["manifest_hash"]) for row in await tx.fetch(_SELECT_MONTHS)]


async def require_countable(tx: Tx, as_of: datetime, *, account_id: str | None = None) -> None:
    """Accept a time that does not divide what was carried forward, of one account or of all.

    Raises:
        MonthArchived: It lies between entries that were archived.
    """
    if account_id is None:
        await _refuse(tx, _SPLIT, as_of)
    else:
        await _refuse(tx, _SPLIT_OF_ACCOUNT, account_id, as_of)


async def require_kept(tx: Tx, start: datetime, end: datetime, *, account_id: str | None = None) -> None:
    """Accept a range [start, end) of which no entry was archived, of one account or of all.

    Raises:
        MonthArchived: Some were.
    """
    if account_id is None:
        await _refuse(tx, _WITHIN, start, end)
    else:
        await _refuse(tx, _WITHIN_ACCOUNT, account_id, start, end)


async def _refuse(tx: Tx, sql: str, *args: object) -> None:
    for row in await tx.fetch(sql, *args):
        raise month_archived(ArchivedMonth(row["month"], row["manifest_hash"]), last_at=row["last_at"])
