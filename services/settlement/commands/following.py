"""Following the balances of merchants: what the ledger did to them, and which are to be looked at for it."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from services.settlement import store
from services.settlement.domain.balance import BalanceChange
from services.settlement.domain.item_form import CollectedItem


async def follow(tx: Tx, changes: Sequence[BalanceChange], items: Sequence[CollectedItem]) -> None:
    """Keep what transactions did to balances, and have those looked at that they changed or lessened."""
    keys = {(change.merchant_id, change.currency_code) for change in changes}
    keys |= {(item.merchant_id, item.currency_code) for item in items if item.amount_minor + item.fee_minor < 0}
    await store.balance_watches.mark(tx, keys, due_at=tx.now)
    await store.balance_changes.add(tx, changes)
