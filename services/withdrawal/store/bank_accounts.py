"""The SQL of bank accounts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.serve.listing import newest_first
from services.withdrawal.domain.bank_account import BankAccount, BankAccountState
from services.withdrawal.store import withdrawals as store

_TEXT = sa.Text(collation="C")

BANK_ACCOUNT = sa.Table(
    "bank_account",
    store.METADATA,
    sa.Column("bank_account_id", _TEXT, primary_key=True),
    sa.Column("merchant_id", _TEXT),
    sa.Column("currency_code", _TEXT),
    sa.Column("token", sa.Text(collation="C")),
    sa.Column("last_four", _TEXT),
    sa.Column("state", _TEXT),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

_COLUMNS = tuple(column.name for column in BANK_ACCOUNT.columns)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM bank_account WHERE bank_account_id = ANY($1::text[])"
# Withdrawals point to accounts; not to let them wait, the key is not locked.
_LOCK = f"{_SELECT} ORDER BY bank_account_id FOR NO KEY UPDATE"

# A token already in use leaves its row out. Rows come in the order of that unique key, so that two batches with the
# same tokens wait for each other in one order and cannot deadlock.
_INSERT = f"""
INSERT INTO bank_account ({", ".join(_COLUMNS)})
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[])
ON CONFLICT (merchant_id, currency_code, token) WHERE state IN ('UNVERIFIED', 'VERIFIED') DO NOTHING
RETURNING bank_account_id
"""

# Who has these tokens, after an insert that left some out.
_SELECT_HOLDERS = """
SELECT merchant_id, currency_code, token, bank_account_id FROM bank_account
JOIN unnest($1::text[], $2::text[], $3::text[]) AS wanted (merchant_id, currency_code, token)
    USING (merchant_id, currency_code, token)
WHERE state IN ('UNVERIFIED', 'VERIFIED')
"""

_UPDATE = """
UPDATE bank_account SET state = new.state, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS new (bank_account_id, state, update_time)
WHERE bank_account.bank_account_id = new.bank_account_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountFilter:
    """What ListBankAccounts selects; None selects all."""

    merchant_id: str
    state: BankAccountState | None
    create_time_min: None = None
    create_time_before: None = None


async def insert_accounts(tx: Tx, accounts: Sequence[BankAccount]) -> set[str]:
    """Insert accounts just made, leaving out those whose token is in use; give the ids of those that went in.

    Of several accounts with one token, the first goes in.
    """
    rows = sorted(accounts, key=lambda a: (a.merchant_id, a.currency_code, a.token))
    return {row[0] for row in await tx.fetch(_INSERT, *columns(rows, _COLUMNS))}


async def holders_of_tokens(tx: Tx, accounts: Sequence[BankAccount]) -> dict[tuple[str, str, str], str]:
    """Give who has the tokens of these accounts in use, by merchant_id, currency_code and token."""
    rows = await tx.fetch(_SELECT_HOLDERS, *columns(accounts, ("merchant_id", "currency_code", "token")))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def accounts_by_id(tx: Tx, bank_account_ids: Iterable[str]) -> dict[str, BankAccount]:
    """Give accounts as they stand."""
    return {row["bank_account_id"]: to_account(row) for row in await tx.fetch(_SELECT, sorted(set(bank_account_ids)))}


async def lock_accounts(tx: Tx, bank_account_ids: Iterable[str]) -> dict[str, BankAccount]:
    """Lock accounts, in the order of their ids, and give those that exist."""
    return {row["bank_account_id"]: to_account(row) for row in await tx.fetch(_LOCK, sorted(set(bank_account_ids)))}


async def update_accounts(tx: Tx, accounts: Sequence[BankAccount]) -> None:
    """Write locked accounts back, each at most once.

    Raises:
        InvariantError: An account is not there, or came twice.
    """
    if accounts:
        changed = await tx.run(_UPDATE, *columns(accounts, ("bank_account_id", "state", "update_time")))
        require_all_changed("bank_account", changed, len(accounts))


async def list_accounts(
    tx: Tx, wanted: BankAccountFilter, /, *, after: TimeKey | None, limit: int
) -> list[BankAccount]:
    """List a merchant's accounts, newest first, from after a (create_time, bank_account_id) on."""
    c = BANK_ACCOUNT.c
    statement = sa.select(BANK_ACCOUNT).where(c.merchant_id == wanted.merchant_id)
    if wanted.state:
        statement = statement.where(c.state == wanted.state)
    statement = newest_first(statement, (c.create_time, c.bank_account_id), wanted, after).limit(limit)
    return [to_account(row._asdict()) for row in await tx.select(statement)]


def to_account(row: Mapping[str, Any]) -> BankAccount:
    """Make an account of a row of its table."""
    values = dict(row)
    values["state"] = BankAccountState(values["state"])
    return BankAccount(**values)
