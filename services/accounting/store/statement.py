"""The SQL of statements and trial balances. All queries of one call see one snapshot."""

from datetime import datetime

from paykit.postgres.database import Tx
from paystream.accounting.v1.events import Side
from services.accounting.domain.statement import (
    LineKey,
    Statement,
    StatementLine,
    TrialBalanceLine,
    trial_balance_line,
)
from services.accounting.domain.transaction import Account
from services.accounting.store.account_entries import LED, effect_after
from services.accounting.store.archive import carried
from services.accounting.store.balance import balance_of, read_sum

_SELECT_FROM = f"SELECT {effect_after('line.effective_at >= $2')}"

_SELECT_BEHIND = f"SELECT {effect_after('(line.effective_at, line.transaction_id, line.line) > ($2, $3, $4)')}"

# The times by which a page is full: that of its last transaction among those of which the account is the main one, and
# that by which the legs that begin behind $2 hold as many. Each transaction has a line of the account at least, so what
# comes later is not on the page. Where there are not so many, nothing ends it.
_MAIN_END = """
SELECT CASE WHEN count(*) = $7 THEN max(effective_at) ELSE 'infinity' END AS ends FROM (
    SELECT effective_at FROM journal
    WHERE account_no = (SELECT account_no FROM account WHERE account_id = $1) AND effective_at > $2
    ORDER BY effective_at LIMIT $7
) AS page
"""
_LEGS_END = """
SELECT coalesce(min(last_at) FILTER (WHERE total >= $7), 'infinity') AS ends FROM (
    SELECT last_at, sum(transactions) OVER (ORDER BY last_at ROWS UNBOUNDED PRECEDING) AS total FROM (
        SELECT last_at, transactions FROM leg
        WHERE account_no = (SELECT account_no FROM account WHERE account_id = $1) AND last_at >= $2 AND first_at > $2
        ORDER BY last_at LIMIT $7
    ) AS leg
) AS page
"""

# The row comparison starts the index scan behind the page before; the first page starts at the statement's beginning.
# No leg spans more than a day, so what ends a day after a page's end cannot begin before it.
_SELECT_LINES = f"""
WITH main_end AS ({_MAIN_END}), legs_end AS ({_LEGS_END}), number AS (
    SELECT account_no, normal_side FROM account WHERE account_id = $1
), line AS (
    (
        SELECT transaction_id, effective_at, line, debit_minor, key, month
        FROM journal_line
        WHERE main_no = (SELECT account_no FROM number) AND account_no = (SELECT account_no FROM number)
            AND (effective_at, transaction_id, line) > ($2, $3, $4) AND effective_at >= $2
            AND effective_at <= (SELECT ends FROM main_end) AND effective_at >= $5 AND effective_at < $6
        ORDER BY effective_at, transaction_id, line
        LIMIT $7
    ) UNION ALL (
        SELECT line.transaction_id, line.effective_at, line.line, line.debit_minor, line.key, line.month
        FROM {LED}
        WHERE leg.account_no = (SELECT account_no FROM number) AND leg.last_at >= $2 AND leg.last_at >= $5
            AND leg.last_at < (SELECT ends FROM legs_end) + interval '24 h'
            AND leg.first_at <= (SELECT ends FROM legs_end) AND leg.first_at < $6
            AND (line.effective_at, line.transaction_id, line.line) > ($2, $3, $4)
            AND line.effective_at >= $5 AND line.effective_at < $6
        ORDER BY 2, 1, 3
        LIMIT $7
    )
), page AS (
    SELECT entry.transaction_id, transaction.transaction_type, transaction.related_no, entry.line,
        CASE WHEN entry.debit_minor > 0 THEN 'DEBIT' ELSE 'CREDIT' END AS side,
        CASE WHEN (entry.debit_minor > 0) = (number.normal_side = 'DEBIT') THEN 1 ELSE -1 END AS effect,
        abs(entry.debit_minor) AS amount_minor, entry.effective_at
    FROM (SELECT * FROM line ORDER BY effective_at, transaction_id, line LIMIT $7) AS entry
    CROSS JOIN number
    CROSS JOIN LATERAL (
        SELECT transaction_type, related_no FROM journal_transaction AS booked
        WHERE booked.key = entry.key AND booked.month = entry.month
        OFFSET 0
    ) AS transaction
    UNION ALL
    SELECT entry.transaction_id, transaction.transaction_type, transaction.related_no, entry.line, entry.side,
        entry.effect, entry.amount_minor, entry.effective_at
    FROM (
        SELECT * FROM former_entry
        WHERE account_id = $1 AND (effective_at, transaction_id, line) > ($2, $3, $4)
            AND effective_at >= $5 AND effective_at < $6
        ORDER BY effective_at, transaction_id, line
        LIMIT $7
    ) AS entry
    JOIN former_transaction AS transaction ON transaction.transaction_id = entry.transaction_id
)
SELECT *, $8::numeric + sum(effect * amount_minor)
    OVER (ORDER BY effective_at, transaction_id, line) AS running_balance_minor
FROM (SELECT * FROM page ORDER BY effective_at, transaction_id, line LIMIT $7) AS page
ORDER BY effective_at, transaction_id, line
"""

# What came later is added up once for all accounts; of the former tables account by account, because a range of times
# is a range of their index within one account only.
_SELECT_TRIAL_BALANCE = """
WITH later AS (
    SELECT account_no, sum(debit_minor) AS debit_minor FROM (
        SELECT account_no, debit_minor FROM journal_line WHERE effective_at > $1
        UNION ALL
        SELECT account_no, debit_minor - credit_minor FROM carried WHERE first_at > $1
    ) AS line GROUP BY account_no
)
SELECT account.currency_code, account.account_kind, account.normal_side,
    sum(present.balance_minor - former.effect_minor
        - coalesce(later.debit_minor, 0) * CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END) AS balance_minor
FROM account
LEFT JOIN later ON later.account_no = account.account_no
CROSS JOIN LATERAL (
    SELECT coalesce(sum(balance_minor), 0) AS balance_minor FROM balance WHERE balance.account_id = account.account_id
) AS present
CROSS JOIN LATERAL (
    SELECT coalesce(sum(effect * amount_minor), 0) AS effect_minor FROM former_entry
    WHERE former_entry.account_id = account.account_id AND former_entry.effective_at > $1
) AS former
WHERE $2::text IS NULL OR account.currency_code = $2
GROUP BY account.currency_code, account.account_kind, account.normal_side
ORDER BY account.currency_code, account.account_kind
"""


async def statement(
    tx: Tx, account: Account, *, start: datetime, end: datetime, behind: LineKey | None, limit: int
) -> Statement:
    """Read a part of an account's statement over [start, end), behind a place if one is given.

    `hold_journal` comes first in the transaction.

    Raises:
        MonthArchived: Entries of the account in that time were archived.
    """
    account_id = account.account_id
    await carried.require_kept(tx, start, end, account_id=account_id)
    balance = await balance_of(tx, account_id)
    opening = balance - await read_sum(tx, _SELECT_FROM, account_id, start)
    closing = balance - await read_sum(tx, _SELECT_FROM, account_id, end)
    running = opening if behind is None else balance - await read_sum(tx, _SELECT_BEHIND, account_id, *behind)
    place = behind or (start, "", 0)
    rows = await tx.fetch(_SELECT_LINES, account_id, *place, start, end, limit, running)
    return Statement(
        account=account,
        opening_balance_minor=opening,
        closing_balance_minor=closing,
        lines=tuple(
            StatementLine(
                **{**row, "side": Side(row["side"]), "running_balance_minor": int(row["running_balance_minor"])}
            )
            for row in rows
        ),
    )


async def trial_balance(tx: Tx, *, as_of: datetime | None, currency_code: str | None) -> list[TrialBalanceLine]:
    """Sum up accounts by currency and kind, in that order, with the entries effective at or before a time, or all.

    With a time, `hold_journal` comes first in the transaction.

    Raises:
        MonthArchived: The time lies among entries that were archived.
    """
    if as_of is not None:
        await carried.require_countable(tx, as_of)
    return [
        trial_balance_line(
            row["currency_code"], row["account_kind"], Side(row["normal_side"]), int(row["balance_minor"])
        )
        for row in await tx.fetch(_SELECT_TRIAL_BALANCE, as_of, currency_code)
    ]
