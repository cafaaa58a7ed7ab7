"""What happens to money after it has moved: payouts come back, captures are disputed; an amount decides which."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.channel.commands import disputes as dispute_commands
from services.channel.commands import transactions as commands
from services.channel.commands.disputes import OpenDispute
from services.channel.domain import payout
from services.channel.domain.behaviour import Sequel
from services.channel.domain.dispute import Reason
from services.channel.domain.transaction import Transaction
from services.channel.store import aftereffects as sequel_store
from services.channel.store import callbacks as callback_store
from services.channel.store import transactions as store
from services.channel.store.callbacks import Report


async def bring_about(tx: Tx, *, limit: int) -> int:
    """Carry out at most this many sequels that are due; emits a statement line for each. Gives their number."""
    due = await sequel_store.take_sequels(tx, due=tx.now, limit=limit)
    if not due:
        return 0
    transactions = await store.get_transactions(tx, due)
    await _send_back(tx, [transactions[key] for key, sequel in due.items() if sequel is Sequel.RETURN])
    # A capture that was refunded meanwhile leaves nothing to dispute: then the refusal is what becomes of it.
    await dispute_commands.open_disputes(tx, _disputed(due))
    return len(due)


def _disputed(due: Mapping[str, Sequel]) -> list[OpenDispute]:
    return [
        OpenDispute(
            attempt_id=attempt_id,
            amount=None,
            reason=Reason.FRAUD,
            respond_within_s=0,
            contest_loses=sequel is Sequel.DISPUTE_LOST,
        )
        for attempt_id, sequel in due.items()
        if sequel is not Sequel.RETURN
    ]


async def _send_back(tx: Tx, payouts: Sequence[Transaction]) -> None:
    if not payouts:
        return
    returned = [payout.send_back(each, now=tx.now) for each in payouts]
    await store.save_returned(tx, returned)
    behaviours = await store.get_behaviours(tx, [each.merchant_id or "" for each in returned])
    callbacks = []
    for each in returned:
        tx.hold(payout.return_reference(each))
        tx.emit(payout.return_line(each), cause=Cause(each.correlation_id))
        delay = timedelta(milliseconds=commands.applying(behaviours, each.merchant_id).callback_delay_ms)
        if each.callback_address:
            due_time = tx.now + delay
            callbacks.append(callback_store.Due(attempt_id=each.attempt_id, due_time=due_time, report=Report.RETURN))
    await callback_store.insert_callbacks(tx, callbacks)
