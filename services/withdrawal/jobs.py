"""Withdrawal's calls to the bank: sending payouts and inquiring about them; see `paykit.channels.calls`."""

from collections.abc import Sequence

from paykit.cause import Cause
from paykit.channels import calls as channel_calls
from paykit.channels import overdue, registry
from paykit.channels.calls import Calls
from paykit.channels.requests import ChannelOperation, PayoutRequest, request_facts
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.withdrawal.commands import evidence, folding
from services.withdrawal.commands import withdrawals as commands
from services.withdrawal.store.attempts import ATTEMPTS, Claimed

SUBMISSION_LANES = ("submit_withdrawals", "submit_withdrawals_2")
"""One job each: a batch that the bank answers slowly holds up one lane, not the other."""

_RECORD_EVIDENCE = unanswered("RecordEvidence", evidence.record_evidence)


async def require_bank(runtime: Runtime) -> None:
    """Check at start that the bank's adapter pays out.

    Raises:
        ConfigurationError: It does not, or its settings are not as it wants them.
    """
    registry.require(commands.CHANNEL, runtime.settings.payout_channel, {ChannelOperation.PAY_OUT})


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
    callback_address = channel_calls.callback_address(runtime.settings)
    return Calls(
        channel=commands.CHANNEL,
        table=ATTEMPTS,
        request=lambda claimed: _to_request(claimed, callback_address),
        connect=lambda: registry.connect(runtime.settings.payout_channel),
        record=_RECORD_EVIDENCE,
        sending=_submit,
    )


def _to_request(claimed: Claimed, callback_address: str) -> PayoutRequest:
    facts = request_facts(claimed, related_no=claimed.attempt.withdrawal_id, callback_address=callback_address)
    return PayoutRequest(**facts, destination_token=claimed.destination_token)


async def _submit(tx: Tx, claimed: Sequence[Claimed]) -> None:
    """Have withdrawals be SUBMITTED from the moment on that their attempts are taken to be sent."""
    work = await folding.lock(tx, [each.attempt.withdrawal_id for each in claimed])
    for each in claimed:
        cause = Cause(each.correlation_id, each.attempt.attempt_id, None, each.attempt.traceparent)
        commands.submit(tx, work, each.attempt, cause=cause)
    await folding.save(tx, work)
