"""The SQL of accounts."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from services.accounting.domain.transaction import Account

_SELECT_MERCHANTS = "SELECT DISTINCT merchant_id FROM account WHERE merchant_id = ANY($1::text[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts to list; None does not filter. Each has an index, the narrowest first."""

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
        """Read accounts in the order of their ids, after one if given: of a merchant, a kind, a currency, or all.

        The first of these that is given is walked; what else is asked for is looked at row by row.
        """
        chosen = {name: value for name, value in asdict(selection).items() if value is not None}
        scope = next(iter(chosen), None)
        if scope is None:
            condition, args = where(("account_id > {}", after))
        else:
            # The whole key of the index, with its end: an equal value and the order of ids alone would be read, for a
            # value of few rows, by the index of all ids.
            condition, args = where(
                (f"({scope}, account_id) > ({{}}, {{}})", chosen[scope], after or ""),
                (f"{scope} <= {{}}", chosen[scope]),
                *((f"{name} = {{}}", value) for name, value in chosen.items() if name != scope),
            )
        order = f"{scope}, account_id" if scope else "account_id"
        return await self.select(tx, f"{condition} ORDER BY {order} LIMIT ${len(args) + 1}", *args, limit)


accounts = Accounts(Account, "account", key="account_id")
