"""The SQL of what the ledger and settlements tell of funds: credits, and balances of settlement accounts. Projections.

A credit is what a settlement made available, or an adjustment of the ledger made or took.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.withdrawal.domain.allowance import MerchantCurrency
from services.withdrawal.store.allowance import sums_by_key, transposed

_ADD_TO_TOTALS = """
INSERT INTO credit_total AS old (merchant_id, currency_code, total_minor)
SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[])
ON CONFLICT (merchant_id, currency_code) DO UPDATE SET total_minor = old.total_minor + excluded.total_minor
"""

_ADD_TO_BALANCES = """
INSERT INTO settlement_balance AS old (merchant_id, currency_code, balance_minor)
SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[])
ON CONFLICT (merchant_id, currency_code) DO UPDATE SET balance_minor = old.balance_minor + excluded.balance_minor
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a settlement, or an adjustment of the ledger, made available; below 0 where it took away.

    Attributes:
        source_id: The settlement or the ledger's transaction.
        book_time: Decides what is used up first.
    """

    source_id: str
    merchant_id: str
    currency_code: str
    amount_minor: int
    book_time: datetime


class Credits(Table[tuple[str, str, str], Credit]):
    """The table `credit`, and its sums in `credit_total`."""

    async def add(self, tx: Tx, new_credits: Sequence[Credit]) -> None:
        """Keep credits, each once however often it was told."""
        amounts_minor = {self.key_of(credit): credit.amount_minor for credit in reversed(new_credits)}
        inserted = await self.insert_absent(tx, new_credits)
        sums = sums_by_key((key[1:], amounts_minor[key]) for key in inserted)
        if sums:
            await tx.run(_ADD_TO_TOTALS, *transposed(list(sums)), list(sums.values()))


merchant_credits = Credits(Credit, "credit", key=("source_id", "merchant_id", "currency_code"))


async def add_to_settlement_balances(tx: Tx, effects: Mapping[MerchantCurrency, int]) -> None:
    """Follow what the ledger did to settlement accounts; the inbox keeps what was followed before away.

    An effect of 0 makes a row as well: what is summed in one batch may come in two when the projection is rebuilt.
    """
    keys = sorted(effects)
    if keys:
        await tx.run(_ADD_TO_BALANCES, *transposed(keys), [effects[key] for key in keys])
