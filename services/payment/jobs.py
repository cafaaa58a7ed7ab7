"""Payment's calls to channels: sending attempts and inquiring about them; see `paykit.runtime.channel_calls`."""

from paykit.runtime import channel_calls
from paykit.runtime.channel_calls import Calls
from paykit.runtime.operations import Operation
from paykit.runtime.runtime import Runtime
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, evidence, messages
from services.payment.attempt_store import ATTEMPTS, Claimed
from services.payment.channels import simulator

SUBMISSION_LANES = ("submit_attempts", "submit_attempts_2", "submit_attempts_3")
"""One job each: a batch that a channel answers slowly holds up one lane, not the others."""

RECORD_EVIDENCE = Operation(
    name="ReportChannelResult",
    command=evidence.record_evidence,
    reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.to_attempt(attempt)),
    reply_type=pb.ReportChannelResultResponse,
)


def wake_submission(runtime: Runtime) -> None:
    """Have attempts just queued sent now; the lane that is free takes them."""
    for lane in SUBMISSION_LANES:
        runtime.wake(lane)


async def submit_attempts(runtime: Runtime) -> bool:
    """Send what is queued, one batch after another; True when there may be more."""
    return await channel_calls.submit(runtime, _calls(runtime))


async def inquire_attempts(runtime: Runtime) -> bool:
    """Ask about attempts whose outcome is overdue, one batch after another; True when there may be more."""
    return await channel_calls.inquire(runtime, _calls(runtime))


def _calls(runtime: Runtime) -> Calls[Claimed]:
    address, back = runtime.settings.channel_address, channel_calls.callback_address(runtime.settings)
    return Calls(
        channel=commands.CHANNEL,
        table=ATTEMPTS,
        connect=lambda: simulator.connect(address, callback_address=back),
        record=RECORD_EVIDENCE,
    )
