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
from services.accounting.store.balance import balance_of, read_sum

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
    entry.amount_minor, entry.effective_at, $8::numeric + sum(entry.effect * entry.amount_minor)
        OVER (ORDER BY entry.effective_at, entry.transaction_id, entry.line) AS running_balance_minor
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


async def statement(
    tx: Tx, account: Account, *, start: datetime, end: datetime, behind: LineKey | None, limit: int
) -> Statement:
    """Read a part of an account's statement over [start, end), behind a place if one is given."""
    account_id = account.account_id
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
    """Sum up accounts by currency and kind, in that order, with the entries effective at or before a time, or all."""
    return [
        trial_balance_line(
            row["currency_code"], row["account_kind"], Side(row["normal_side"]), int(row["balance_minor"])
        )
        for row in await tx.fetch(_SELECT_TRIAL_BALANCE, as_of, currency_code)
    ]
