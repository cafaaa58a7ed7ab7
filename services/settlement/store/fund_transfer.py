"""The table `fund_transfer`: what the ledger was asked to move, and what it answered."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.settlement.domain.fund_transfer import FundTransfer
from services.settlement.domain.settlement import MerchantCurrency

_SELECT_RESERVES_MOVING = """
SELECT merchant_id, currency_code, sum(settlement_minor)::bigint AS moving_minor FROM fund_transfer
WHERE state = 'REQUESTED' AND kind <> 'RECOVERY' AND (merchant_id, currency_code) IN (
    SELECT * FROM unnest($1::text[], $2::text[]))
GROUP BY merchant_id, currency_code
"""


class FundTransfers(Table[str, FundTransfer]):
    """The table `fund_transfer`."""

    async def reserves_moving(self, tx: Tx, keys: Collection[MerchantCurrency]) -> dict[MerchantCurrency, int]:
        """Sum up what the ledger was asked to take from merchants' reserves, and has not answered."""
        arrays = [[key[i] for key in sorted(keys)] for i in (0, 1)]
        return {(row[0], row[1]): row[2] for row in await tx.fetch(_SELECT_RESERVES_MOVING, *arrays)}


fund_transfers = FundTransfers(
    FundTransfer, "fund_transfer", key="transfer_id", changing=("state", "refusal", "update_time")
)
