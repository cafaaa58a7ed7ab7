"""The SQL of posting: set-based, one round trip whatever the number of transactions."""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

from asyncpg import UniqueViolationError

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import Direction, Entry, Side, TransactionRejected
from services.accounting.domain.chart import Chart
from services.accounting.domain.transaction import Account, Transaction, transaction_id

StripeKey = tuple[str, int]
"""account_id, stripe."""

# The first start of a ledger decides; later ones find the row.
_INSERT_CHART = "INSERT INTO chart_in_use (chart_name, create_time) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_SELECT_CHART = "SELECT chart_name FROM chart_in_use"

# Rows arrive in primary-key order, so that two batches never wait for each other in a circle. A pair that is booked
# already gives no row back. One of two that book the same pair at once waits here for the other's commit.
_INSERT_TRANSACTIONS = """
INSERT INTO transaction (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction,
    amount_minor, currency_code, effective_at, create_time, account_ids, reverses_transaction_id, actor, reason)
SELECT transaction_id, transaction_type, related_no, root_reference, merchant_id, direction, amount_minor,
    currency_code, effective_at, create_time, string_to_array(account_ids, ','), reverses_transaction_id, actor, reason
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
    $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[])
    AS new (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction, amount_minor,
        currency_code, effective_at, create_time, account_ids, reverses_transaction_id, actor, reason)
ON CONFLICT DO NOTHING
RETURNING transaction_id
"""

_TRANSACTION_COLUMNS = (
    "transaction_id",
    "transaction_type",
    "related_no",
    "root_reference",
    "merchant_id",
    "direction",
    "amount_minor",
    "currency_code",
    "effective_at",
    "create_time",
    "account_ids",
    "reverses_transaction_id",
    "actor",
    "reason",
)
_ACCOUNT_IDS = _TRANSACTION_COLUMNS.index("account_ids")
"""Text in the INSERT, because unnest takes arrays of arrays apart to the last element."""

COPY_ROWS_MIN = 32
"""From this many transactions on, COPY with a savepoint is quicker than INSERT."""

_ENTRY_COLUMNS = (
    "account_id",
    "effective_at",
    "transaction_id",
    "line",
    "side",
    "effect",
    "amount_minor",
    "currency_code",
)

# An upsert locks its rows in the order they are given in, an UPDATE ... FROM in any: hence the upsert. Gives back the
# accounts whose row is new, which a system column tells: xmax is 0 in a row that was inserted and not updated.
_ADD_TO_BALANCES = """
WITH added AS (
    INSERT INTO balance AS present (account_id, stripe, balance_minor, floor_minor)
    SELECT * FROM unnest($1::text[], $2::smallint[], $3::numeric[], $4::bigint[])
    ON CONFLICT (account_id, stripe) DO UPDATE SET balance_minor = present.balance_minor + excluded.balance_minor
    RETURNING account_id, xmax = 0 AS is_new
)
SELECT is_new, account_id FROM added
"""

# For rows that are locked: an upsert would hold the change by itself, as if it were a balance, against the floor.
_ADD_TO_LOCKED = """
UPDATE balance SET balance_minor = balance.balance_minor + change.effect_minor
FROM unnest($1::text[], $2::smallint[], $3::numeric[]) AS change (account_id, stripe, effect_minor)
WHERE balance.account_id = change.account_id AND balance.stripe = change.stripe
"""

# In primary-key order, as all locks on several rows.
_LOCK_FLOORED = """
SELECT account_id, balance_minor FROM balance WHERE account_id = ANY($1::text[]) AND stripe = 0
ORDER BY account_id FOR UPDATE
"""

_INSERT_ACCOUNTS = """
INSERT INTO account (account_id, account_kind, merchant_id, currency_code, normal_side, create_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
ON CONFLICT DO NOTHING
RETURNING account_id
"""

_SELECT_TRANSACTIONS = """
SELECT transaction_id, transaction_type, related_no, root_reference, merchant_id, direction, amount_minor,
    currency_code, effective_at, create_time, reverses_transaction_id, actor, reason
FROM transaction WHERE transaction_id = ANY($1::text[])
"""

# By way of the accounts that the transaction names, which is where the primary key of entry begins.
_SELECT_ENTRIES = """
SELECT entry.transaction_id, entry.account_id, account.account_kind, account.merchant_id, entry.side, entry.effect,
    entry.amount_minor, entry.currency_code
FROM transaction
CROSS JOIN LATERAL unnest(transaction.account_ids) AS named (account_id)
JOIN entry ON entry.account_id = named.account_id AND entry.effective_at = transaction.effective_at
    AND entry.transaction_id = transaction.transaction_id
JOIN account ON account.account_id = entry.account_id
WHERE transaction.transaction_id = ANY($1::text[])
ORDER BY entry.transaction_id, entry.line
"""

_SELECT_ACCOUNTS = """
SELECT account_id, account_kind, merchant_id, currency_code, create_time FROM account
WHERE account_id = ANY($1::text[])
"""

_SELECT_REFUSALS = "SELECT transaction_id FROM refusal WHERE transaction_id = ANY($1::text[])"

_INSERT_REFUSALS = """
INSERT INTO refusal (transaction_id, transaction_type, related_no, root_reference, reason, create_time)
SELECT *, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
"""

_SELECT_MERCHANTS = """
SELECT DISTINCT merchant_id FROM account WHERE merchant_id = ANY($1::text[])
"""


async def keep_chart(tx: Tx, chart_name: str) -> str:
    """Note the chart at the ledger's first start; give the one it is kept by."""
    await tx.run(_INSERT_CHART, chart_name, tx.now)
    return await chart_in_use(tx)


async def chart_in_use(tx: Tx) -> str:
    """Give the name of the chart that the ledger is kept by.

    Raises:
        InvariantError: The service was never started on this database.
    """
    rows = await tx.fetch(_SELECT_CHART)
    if not rows:
        raise InvariantError("the ledger has no chart")
    name: str = rows[0]["chart_name"]
    return name


async def lock_floored(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    """Lock the balances of accounts with a floor; those that were never booked on are missing."""
    rows = await tx.fetch(_LOCK_FLOORED, sorted(account_ids))
    return {row["account_id"]: int(row["balance_minor"]) for row in rows}


async def insert_transactions(tx: Tx, transactions: Sequence[Transaction]) -> set[str]:
    """Insert transactions without their entries; give the ids of those that were not booked before.

    Many are tried by COPY first, which costs half as much but refuses all when one was booked before: that is as rare
    as a replay.

    Rows: transaction.
    """
    rows = [_transaction_row(each) for each in sorted(transactions, key=attrgetter("transaction_id"))]
    if len(rows) >= COPY_ROWS_MIN:
        try:
            async with tx.savepoint():
                await tx.copy("transaction", _TRANSACTION_COLUMNS, rows)
        except UniqueViolationError:
            pass
        else:
            return {row[0] for row in rows}
    columns = list(map(list, zip(*rows, strict=True)))
    columns[_ACCOUNT_IDS] = [",".join(ids) for ids in columns[_ACCOUNT_IDS]]
    return {row[0] for row in await tx.fetch(_INSERT_TRANSACTIONS, *columns)}


async def insert_entries(tx: Tx, transactions: Sequence[Transaction]) -> None:
    """Insert the entries of transactions, all in one statement, which is what the trigger checks the balance of.

    Rows: entry.
    """
    rows = [
        (
            entry.account_id,
            transaction.effective_at,
            transaction.transaction_id,
            line,
            entry.side,
            entry.effect,
            entry.amount_minor,
            entry.currency_code,
        )
        for transaction in transactions
        for line, entry in enumerate(transaction.entries)
    ]
    await tx.copy("entry", _ENTRY_COLUMNS, rows)


async def add_to_balances(
    tx: Tx, effects: Mapping[StripeKey, int], *, floors: Mapping[str, int], locked: Collection[str]
) -> list[str]:
    """Add effects to balances; give the ids of accounts that got a new row, and so may be new themselves.

    Args:
        tx: The transaction.
        effects: What to add, by account and stripe.
        floors: The floors of those accounts that have one.
        locked: The accounts with a floor whose rows exist and are locked.

    Rows: balance.
    """
    keys = sorted(key for key in effects if key[0] not in locked)
    fixed = sorted(key for key in effects if key[0] in locked)
    if fixed:
        changed = await tx.run(_ADD_TO_LOCKED, *_stripes(fixed), [effects[key] for key in fixed])
        if changed != len(fixed):
            raise InvariantError(f"{changed} balances changed for {len(fixed)} accounts")
    if not keys:
        return []
    values = [effects[key] for key in keys]
    rows = await tx.fetch(_ADD_TO_BALANCES, *_stripes(keys), values, [floors.get(account) for account, _ in keys])
    if len(rows) != len(keys):
        raise InvariantError(f"{len(rows)} balances changed for {len(keys)} accounts and stripes")
    return [account for is_new, account in rows if is_new]


async def insert_accounts(tx: Tx, accounts: Sequence[Account]) -> set[str]:
    """Open accounts; give the ids of those that were not open before, and hold them for events.

    Rows: account.
    """
    rows = [
        (each.account_id, each.kind.name, each.merchant_id, each.currency_code, each.kind.normal_side, each.create_time)
        for each in sorted(accounts, key=attrgetter("account_id"))
    ]
    opened = {row[0] for row in await tx.fetch(_INSERT_ACCOUNTS, *map(list, zip(*rows, strict=True)))}
    tx.hold(*opened)
    return opened


async def find_transactions(tx: Tx, transaction_ids: Collection[str]) -> dict[str, Transaction]:
    """Read the transactions that exist, with their entries."""
    if not transaction_ids:
        return {}
    ids = sorted(transaction_ids)
    rows = await tx.fetch(_SELECT_TRANSACTIONS, ids)
    entries: dict[str, list[Entry]] = {row["transaction_id"]: [] for row in rows}
    for row in await tx.fetch(_SELECT_ENTRIES, ids) if rows else ():
        entries[row["transaction_id"]].append(_entry(row))
    return {row["transaction_id"]: _transaction(row, entries[row["transaction_id"]]) for row in rows}


async def find_accounts(tx: Tx, chart: Chart, account_ids: Collection[str]) -> dict[str, Account]:
    """Read the accounts that exist."""
    if not account_ids:
        return {}
    rows = await tx.fetch(_SELECT_ACCOUNTS, sorted(account_ids))
    return {row["account_id"]: account(chart, row) for row in rows}


async def find_merchants(tx: Tx, merchant_ids: Collection[str]) -> frozenset[str]:
    """Give those of the merchants that have an account."""
    if not merchant_ids:
        return frozenset()
    return frozenset(row["merchant_id"] for row in await tx.fetch(_SELECT_MERCHANTS, sorted(merchant_ids)))


async def find_refusals(tx: Tx, transaction_ids: Collection[str]) -> frozenset[str]:
    """Give the ids of those transactions that were refused to events, for good."""
    return frozenset(row["transaction_id"] for row in await tx.fetch(_SELECT_REFUSALS, sorted(transaction_ids)))


async def insert_refusals(tx: Tx, rejections: Sequence[TransactionRejected]) -> None:
    """Remember what was refused to events for good.

    Rows: refusal.
    """
    rows = sorted(
        (
            transaction_id(each.transaction_type, each.related_no),
            each.transaction_type,
            each.related_no,
            each.root_reference,
            each.reason,
        )
        for each in rejections
    )
    await tx.run(_INSERT_REFUSALS, *map(list, zip(*rows, strict=True)), tx.now)


def account(chart: Chart, row: Mapping[str, Any]) -> Account:
    """Make an account of its row."""
    kind = chart.kinds[row["account_kind"]]
    return Account(row["account_id"], kind, row["merchant_id"], row["currency_code"], row["create_time"])


def _stripes(keys: Sequence[StripeKey]) -> tuple[list[str], list[int]]:
    return [key[0] for key in keys], [key[1] for key in keys]


def _transaction_row(transaction: Transaction) -> tuple[Any, ...]:
    return (
        transaction.transaction_id,
        transaction.transaction_type,
        transaction.related_no,
        transaction.root_reference,
        transaction.merchant_id,
        transaction.direction,
        transaction.amount_minor,
        transaction.currency_code,
        transaction.effective_at,
        transaction.create_time,
        list(dict.fromkeys([entry.account_id for entry in transaction.entries])),
        transaction.reverses_transaction_id,
        transaction.actor,
        transaction.reason,
    )


def _transaction(row: Mapping[str, Any], entries: Sequence[Entry]) -> Transaction:
    fields = dict(row)
    direction = fields.pop("direction")
    return Transaction(**fields, direction=direction and Direction(direction), entries=tuple(entries))


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        account_id=row["account_id"],
        account_kind=row["account_kind"],
        merchant_id=row["merchant_id"],
        side=Side(row["side"]),
        effect=row["effect"],
        amount_minor=row["amount_minor"],
        currency_code=row["currency_code"],
    )
