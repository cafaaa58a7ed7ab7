"""The SQL of bank accounts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.rows import columns
from paykit.postgres.table import Table
from paykit.work import Rows
from services.withdrawal.domain.bank_account import BankAccount, BankAccountState

_TOKEN = ("merchant_id", "currency_code", "token")
_IN_USE = "state IN ('UNVERIFIED', 'VERIFIED')"

# Who has these tokens, after an insert that left some out.
_SELECT_HOLDERS = f"""
SELECT merchant_id, currency_code, token, bank_account_id FROM bank_account
JOIN unnest($1::text[], $2::text[], $3::text[]) AS wanted (merchant_id, currency_code, token)
    USING (merchant_id, currency_code, token)
WHERE {_IN_USE}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountFilter:
    """What ListBankAccounts selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str
    state: BankAccountState | None
    currency_code: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class BankAccounts(Table[str, BankAccount]):
    """The table `bank_account`."""

    async def insert_unused(self, tx: Tx, accounts: Sequence[BankAccount]) -> list[str]:
        """Insert accounts but those whose token is in use, and return the ids of what went in."""
        return await self.insert_absent(tx, accounts, unique=_TOKEN, where=_IN_USE)

    async def holders_of_tokens(self, tx: Tx, accounts: Sequence[BankAccount]) -> dict[tuple[str, str, str], str]:
        """Read who has the tokens of these accounts in use, by merchant_id, currency_code and token."""
        rows = await tx.fetch(_SELECT_HOLDERS, *columns(accounts, _TOKEN))
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def lock(self, tx: Tx, keys: Iterable[str]) -> Rows[str, BankAccount]:
        """Lock accounts but for their keys, to which withdrawals point: these need not wait."""
        sql = f"""
            SELECT {self.selected} FROM bank_account WHERE bank_account_id = ANY($1::text[])
            ORDER BY bank_account_id FOR NO KEY UPDATE
        """
        return self.rows(tx, [self.read(row) for row in await tx.lock(self.name, sql, sorted(set(keys)))])

    async def list(
        self, tx: Tx, selection: BankAccountFilter, *, after: TimeKey | None, limit: int
    ) -> Found[BankAccount]:
        """List a merchant's accounts in the order asked for, from after a (create_time, bank_account_id) on."""
        return await bank_account_walk.page(tx, selection, after=after, limit=limit)


bank_accounts = BankAccounts(
    BankAccount, "bank_account", key="bank_account_id", changing=("state", "stated", "update_time", "aggregate_version")
)

bank_account_walk = Walk(bank_accounts, scopes=(("merchant_id",),))
