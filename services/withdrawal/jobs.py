"""Withdrawal's calls to the bank: sending payouts and inquiring about them; see `paykit.channels.calls`."""

from functools import partial

from prometheus_client import Gauge

from paykit.channels import calls as channel_calls
from paykit.channels import overdue, registry
from paykit.channels.attempts import OUTCOME_WITHIN_S
from paykit.channels.calls import Calls
from paykit.channels.requests import ChannelOperation, PayoutRequest, request_facts
from paykit.contradictions import open_contradictions
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.withdrawal import commands, store
from services.withdrawal.store import ClaimedPayout

BLOCKED = Gauge(
    "paystream_withdrawals_blocked", "Withdrawals that are approved and kept from being sent, by reason.", ["reason"]
)

_RECORD_EVIDENCE = unanswered("RecordEvidence", commands.evidence.record_evidence)


async def require_bank(runtime: Runtime) -> None:
    """Check at start that the bank's adapter pays out.

    Raises:
        ConfigurationError: It does not, or its settings are not as it wants them.
    """
    registry.require(commands.CHANNEL, runtime.settings.payout_channel, {ChannelOperation.PAY_OUT})


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


async def tell_overdue(runtime: Runtime) -> bool:
    """Tell, once each, of payouts that are overdue; True when there may be more."""
    tell = partial(commands.reminder.tell_overdue, within_s=OUTCOME_WITHIN_S)
    return sum(await runtime.isolated("tell_overdue_withdrawals", tell)) >= commands.reminder.TOLD_MAX


async def report_contradictions(runtime: Runtime) -> bool:
    """Set the metrics of contradictions that wait for people. Says that there is no more."""
    await open_contradictions.report(runtime, store.contradictions)
    return False


async def report_blocked(runtime: Runtime) -> bool:
    """Set the metric of payouts that are kept from being sent. Says that there is no more."""
    counts = {count.reason: count.withdrawals for count in await runtime.read(store.count_blocked)}
    for reason in store.BLOCKED_REASONS:
        BLOCKED.labels(reason).set(counts.get(reason, 0))
    return False


def _calls(runtime: Runtime) -> Calls[ClaimedPayout]:
    callback_address = channel_calls.callback_address(runtime.settings)
    return Calls(
        channel=commands.CHANNEL,
        table=store.attempts,
        request=lambda claimed: _to_request(claimed, callback_address),
        connect=lambda: registry.connect(runtime.settings.payout_channel),
        record=_RECORD_EVIDENCE,
        claim=commands.submission.submit_withdrawals,
    )


def _to_request(claimed: ClaimedPayout, callback_address: str) -> PayoutRequest:
    facts = request_facts(claimed, related_no=claimed.attempt.withdrawal_id, callback_address=callback_address)
    return PayoutRequest(**facts, destination_token=claimed.destination_token)
