"""What happens to money after it has moved: payouts come back, captures are disputed; an amount decides which."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.channel import store
from services.channel.commands import dispute
from services.channel.commands.dispute import OpenDispute
from services.channel.domain import payout
from services.channel.domain.behaviour import Aftereffect
from services.channel.domain.dispute import DisputeReason
from services.channel.store import CallbackReport, DueCallback


async def bring_about(tx: Tx, *, limit: int) -> int:
    """Carry out at most this many aftereffects that are due, and return their number; emits a line for each."""
    due = await store.take_aftereffects(tx, limit=limit)
    if not due:
        return 0
    await _send_back(tx, [attempt_id for attempt_id, kind in due.items() if kind is Aftereffect.RETURN])
    # A capture that was refunded meanwhile leaves nothing to dispute: then the refusal is what becomes of it.
    await dispute.open_disputes(tx, _disputed(due))
    return len(due)


def _disputed(due: Mapping[str, Aftereffect]) -> list[OpenDispute]:
    return [
        OpenDispute(
            attempt_id=attempt_id,
            amount=None,
            reason=DisputeReason.FRAUD,
            respond_within_s=0,
            contest_loses=kind is Aftereffect.DISPUTE_LOST,
        )
        for attempt_id, kind in due.items()
        if kind is not Aftereffect.RETURN
    ]


async def _send_back(tx: Tx, attempt_ids: Sequence[str]) -> None:
    if not attempt_ids:
        return
    payouts = await store.transactions.lock(tx, attempt_ids)
    behaviours = await store.behaviours_of(tx, [paid_out.merchant_id for paid_out in payouts.values()])
    callbacks = []
    for paid_out in list(payouts.values()):
        returned = payouts.put(payout.send_back(paid_out, now=tx.now))
        tx.hold(payout.return_reference(returned))
        tx.emit(payout.return_line(returned), cause=Cause(returned.correlation_id))
        if returned.callback_address:
            due_time = tx.now + timedelta(milliseconds=behaviours.of(returned.merchant_id).callback_delay_ms)
            callbacks.append(
                DueCallback(attempt_id=returned.attempt_id, due_time=due_time, report=CallbackReport.RETURN)
            )
    await tx.save(payouts)
    await store.insert_callbacks(tx, callbacks)
