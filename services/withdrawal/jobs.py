"""Withdrawal's calls to the bank: sending payouts and inquiring about them; see `paykit.channels.calls`."""

from paykit.channels import calls as channel_calls
from paykit.channels import overdue, simulator
from paykit.channels.calls import Calls
from paykit.channels.simulator import Order, amount_of
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from paystream.channel.v1 import channel_pb2
from services.withdrawal import commands, store
from services.withdrawal.domain.attempt import PAY
from services.withdrawal.store import ClaimedPayout

_RECORD_EVIDENCE = unanswered("RecordEvidence", commands.evidence.record_evidence)


async def submit_withdrawals(runtime: Runtime) -> bool:
    """Send what is approved to the bank, one batch after another; True when there may be more."""
    return await channel_calls.submit(runtime, _calls(runtime))


async def inquire_withdrawals(runtime: Runtime) -> bool:
    """Ask about payouts whose outcome is overdue, one batch after another; True when there may be more."""
    return await channel_calls.inquire(runtime, _calls(runtime))


async def report_overdue(runtime: Runtime) -> bool:
    """Set the metrics and write one line if an outcome is overdue. Says that there is no more."""
    await overdue.report(runtime, [commands.CHANNEL])
    return False


def _calls(runtime: Runtime) -> Calls[ClaimedPayout]:
    orders = {PAY: _pay(channel_calls.callback_address(runtime.settings))}
    return Calls(
        channel=commands.CHANNEL,
        table=store.attempts,
        connect=lambda: simulator.connect(runtime.settings.channel_address, orders),
        record=_RECORD_EVIDENCE,
        claim=commands.withdrawal.submit_withdrawals,
    )


def _pay(callback_address: str) -> Order[ClaimedPayout]:
    def pay(claimed: ClaimedPayout) -> channel_pb2.PayRequest:
        return channel_pb2.PayRequest(
            attempt_id=claimed.attempt.attempt_id,
            merchant_id=claimed.merchant_id,
            amount=amount_of(claimed.attempt),
            destination_token=claimed.destination_token,
            related_no=claimed.attempt.withdrawal_id,
            callback_address=callback_address,
            correlation_id=claimed.correlation_id,
        )

    return Order(method="BatchPay", batch=channel_pb2.BatchPayRequest, item=pay)
