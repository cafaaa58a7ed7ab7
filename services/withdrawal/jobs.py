"""Withdrawal's calls to the bank: sending payouts and inquiring about them; see `paykit.channels.calls`."""

from collections.abc import Sequence

from paykit.cause import Cause
from paykit.channels import calls as channel_calls
from paykit.channels import overdue, simulator
from paykit.channels.calls import Calls
from paykit.channels.simulator import Order, amount_of
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.channel.v1 import channel_pb2
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import messages
from services.withdrawal.commands import evidence, folding
from services.withdrawal.commands import withdrawals as commands
from services.withdrawal.domain.attempt import PAY
from services.withdrawal.store.attempts import ATTEMPTS, Claimed

SUBMISSION_LANES = ("submit_withdrawals", "submit_withdrawals_2")
"""One job each: a batch that the bank answers slowly holds up one lane, not the other."""

RECORD_EVIDENCE = Operation(
    name="ReportBankResult",
    command=evidence.record_evidence,
    reply=lambda attempt: pb.ReportBankResultResponse(attempt=messages.to_attempt(attempt)),
    reply_type=pb.ReportBankResultResponse,
)


def wake_submission(runtime: Runtime) -> None:
    """Have what was just approved sent now; the lane that is free takes it."""
    for lane in SUBMISSION_LANES:
        runtime.wake(lane)


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


def _calls(runtime: Runtime) -> Calls[Claimed]:
    orders = {PAY: _pay(channel_calls.callback_address(runtime.settings))}
    return Calls(
        channel=commands.CHANNEL,
        table=ATTEMPTS,
        connect=lambda: simulator.connect(runtime.settings.channel_address, orders),
        record=RECORD_EVIDENCE,
        sending=_submit,
    )


async def _submit(tx: Tx, claimed: Sequence[Claimed]) -> None:
    """Have withdrawals be SUBMITTED from the moment on that their attempts are taken to be sent."""
    work = await folding.lock(tx, [each.attempt.withdrawal_id for each in claimed])
    for each in claimed:
        cause = Cause(each.correlation_id, each.attempt.attempt_id, None, each.attempt.traceparent)
        commands.submit(tx, work, each.attempt, cause=cause)
    await folding.save(tx, work)


def _pay(callback_address: str) -> Order[Claimed]:
    def pay(claimed: Claimed) -> channel_pb2.PayRequest:
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
