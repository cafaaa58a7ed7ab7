"""The SQL of accounts."""

from collections.abc import Collection
from dataclasses import dataclass

from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from services.accounting.domain.transaction import Account

_SELECT_MERCHANTS = "SELECT DISTINCT merchant_id FROM account WHERE merchant_id = ANY($1::text[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts to list; None does not filter."""

    merchant_id: str | None = None
    account_kind: str | None = None
    currency_code: str | None = None


class Accounts(Table[str, Account]):
    """The table `account`."""

    async def merchants_among(self, tx: Tx, merchant_ids: Collection[str]) -> frozenset[str]:
        """Return those of the merchants that have an account."""
        if not merchant_ids:
            return frozenset()
        return frozenset(row["merchant_id"] for row in await tx.fetch(_SELECT_MERCHANTS, sorted(merchant_ids)))

    async def of_merchant(self, tx: Tx, selection: AccountFilter) -> list[Account]:
        """Read all accounts of a merchant, which are as many as its kinds and currencies, in the order of these."""
        condition, args = where(
            ("merchant_id = {}", selection.merchant_id), ("currency_code = {}", selection.currency_code)
        )
        return await self.select(tx, f"{condition} ORDER BY account_kind, currency_code", *args)

    async def list(self, tx: Tx, selection: AccountFilter, *, after: str | None, limit: int) -> list[Account]:
        """Read accounts in the order of their ids, from after one if it is given."""
        condition, args = where(
            ("merchant_id = {}", selection.merchant_id),
            ("account_kind = {}", selection.account_kind),
            ("currency_code = {}", selection.currency_code),
            ("account_id > {}", after),
        )
        return await self.select(tx, f"{condition} ORDER BY account_id LIMIT ${len(args) + 1}", *args, limit)


accounts = Accounts(Account, "account", key="account_id")
