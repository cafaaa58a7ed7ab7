"""Opening the accounts that bookings need, by the transaction of the first booking that needs each."""

from collections.abc import Mapping

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.accounting import store
from services.accounting.domain.transaction import Account, opened_event


async def open_accounts(tx: Tx, needed: Mapping[str, tuple[Account, Cause]]) -> dict[str, int]:
    """Open accounts that were missing, but for those that a rival opened meanwhile; account_no of all, by account_id.

    Args:
        tx: The transaction.
        needed: Each account with the cause of its opening, by account_id, in the order in which they are told of.

    Rows: account. Events: AccountCreated.
    """
    opened = set(await store.accounts.insert_absent(tx, [account for account, _ in needed.values()]))
    tx.hold(*opened)
    for account_id, (account, cause) in needed.items():
        if account_id in opened:
            tx.emit(opened_event(account), cause=cause)
    return await store.journal.numbers_of(tx, needed)
