"""The SQL of balances: each is the sum of an account's stripes, but for one with a floor, which has a single row.

A balance as of a time is the present balance less the entries after that time: most questions are about recent times,
and `account_entries` leads straight to the entries behind them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import array_text, require_all_changed
from services.accounting.store.account_entries import effect_after
from services.accounting.store.archive import carried

StripeKey = tuple[str, int]
"""account_id, stripe."""

# An upsert locks its rows in the order they are given in, an UPDATE ... FROM in any: hence the upsert. Arrays come as
# text: the driver looks at each of their elements, and makes a Decimal of each numeric.
_ADD_TO_BALANCES = """
INSERT INTO balance AS present (account_id, stripe, balance_minor, floor_minor)
SELECT * FROM unnest($1::text::text[], $2::text::smallint[], $3::text::numeric[], $4::text::bigint[])
ON CONFLICT (account_id, stripe) DO UPDATE SET balance_minor = present.balance_minor + excluded.balance_minor
"""

# For rows that are locked: an upsert would hold the change by itself, as if it were a balance, against the floor.
_ADD_TO_LOCKED = """
UPDATE balance SET balance_minor = balance.balance_minor + change.effect_minor
FROM unnest($1::text::text[], $2::text::smallint[], $3::text::numeric[]) AS change (account_id, stripe, effect_minor)
WHERE balance.account_id = change.account_id AND balance.stripe = change.stripe
"""

# In primary-key order, as all locks on several rows.
_LOCK_FLOORED = """
SELECT account_id, balance_minor FROM balance WHERE account_id = ANY($1::text[]) AND stripe = 0
ORDER BY account_id FOR UPDATE
"""

_SELECT = "SELECT coalesce(sum(balance_minor), 0) FROM balance WHERE account_id = $1"

_SELECT_OF_ACCOUNTS = """
SELECT account_id, sum(balance_minor) FROM balance WHERE account_id = ANY($1::text[]) GROUP BY account_id
"""

_SELECT_LATER = f"SELECT {effect_after('line.effective_at > $2')}"

# Reads every balance, so from end to end and not by an index, and ends itself when that takes too long.
_PREPARE_SUM = "SELECT set_config('enable_seqscan', 'on', true), set_config('statement_timeout', $1, true)"
_IMBALANCES = """
SELECT account.currency_code,
    sum(CASE account.normal_side WHEN 'DEBIT' THEN balance_minor ELSE -balance_minor END) AS imbalance_minor
FROM balance JOIN account ON account.account_id = balance.account_id
GROUP BY account.currency_code
"""


async def lock_floored_balances(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    """Lock the balances of accounts with a floor; those that were never booked on are missing."""
    if not account_ids:
        return {}
    rows = await tx.lock("balance", _LOCK_FLOORED, sorted(account_ids))
    return {row["account_id"]: int(row["balance_minor"]) for row in rows}


async def add_to_balances(
    tx: Tx, effects: Mapping[StripeKey, int], *, floors: Mapping[str, int], locked: Collection[str]
) -> None:
    """Add effects to balances.

    Args:
        tx: The transaction.
        effects: What to add, by account and stripe.
        floors: The floors of those accounts that have one.
        locked: The accounts with a floor whose rows exist and are locked.

    Rows: balance.
    """
    keys = sorted(key for key in effects if key[0] not in locked)
    locked_keys = sorted(key for key in effects if key[0] in locked)
    if locked_keys:
        changed = await tx.run(_ADD_TO_LOCKED, *_changes(locked_keys, effects))
        require_all_changed("balance", changed, len(locked_keys))
    if keys:
        floor_minors = array_text([floors.get(account_id, "NULL") for account_id, _ in keys])
        changed = await tx.run(_ADD_TO_BALANCES, *_changes(keys, effects), floor_minors)
        require_all_changed("balance", changed, len(keys))


async def balances_of(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    """Return the present balances of accounts in minor units; those that were never booked on are missing."""
    if not account_ids:
        return {}
    return {row[0]: int(row[1]) for row in await tx.fetch(_SELECT_OF_ACCOUNTS, sorted(account_ids))}


async def balance_of(tx: Tx, account_id: str, *, as_of: datetime | None = None) -> int:
    """Return an account's balance in minor units, with the entries effective at or before a time, or with all.

    With a time, `hold_journal` comes first in the transaction.

    Raises:
        MonthArchived: The time lies among entries of the account that were archived.
    """
    balance = await read_sum(tx, _SELECT, account_id)
    if as_of is None:
        return balance
    await carried.require_countable(tx, as_of, account_id=account_id)
    return balance - await read_sum(tx, _SELECT_LATER, account_id, as_of)


async def imbalances(tx: Tx, *, within_s: float) -> dict[str, int]:
    """Return by how much debits exceed credits in the balances of each currency, in minor units: 0 where all is right.

    Raises:
        asyncpg.QueryCanceledError: It took longer than that.
    """
    await tx.fetch(_PREPARE_SUM, str(round(within_s * 1_000)))
    return {row["currency_code"]: int(row["imbalance_minor"]) for row in await tx.fetch(_IMBALANCES)}


async def read_sum(tx: Tx, sql: str, *args: Any) -> int:
    """Run a statement that has one sum as its result."""
    rows = await tx.fetch(sql, *args)
    return int(rows[0][0])


def _changes(keys: Sequence[StripeKey], effects: Mapping[StripeKey, int]) -> tuple[str | None, ...]:
    account_ids, stripes = zip(*keys, strict=True)
    return array_text(account_ids), array_text(stripes), array_text([effects[key] for key in keys])
