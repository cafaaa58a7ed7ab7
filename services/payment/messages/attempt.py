"""Attempts on the wire, and callbacks about them: between messages and domain values."""

from dataclasses import replace

from paykit.channels.actions.next_action_messages import from_next_action
from paykit.channels.attempt_messages import attempt_fields, reported
from paykit.channels.attempts import OUTCOME_WITHIN_S, AttemptState, Evidence, EvidenceOutcome
from paykit.channels.unmatched_evidence import UnmatchedEvidence, UnmatchedEvidenceFilter
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.store import OverdueAttempt, OverdueFilter

_OUTCOMES = {
    pb.CHANNEL_OUTCOME_APPROVED: EvidenceOutcome.SUCCEEDED,
    pb.CHANNEL_OUTCOME_DECLINED: EvidenceOutcome.FAILED,
    pb.CHANNEL_OUTCOME_ACTION_REQUIRED: EvidenceOutcome.ACTION_REQUIRED,
}
_WIRE_OUTCOMES = {outcome: wire for wire, outcome in _OUTCOMES.items()}
_STATES = {state: pb.AttemptState.Value(f"ATTEMPT_STATE_{state}") for state in AttemptState}
_ACTIONS = {action: pb.AttemptAction.Value(f"ATTEMPT_ACTION_{action}") for action in AttemptAction}


def to_attempt(attempt: PaymentAttempt) -> pb.Attempt:
    """Make the resource."""
    return pb.Attempt(
        **attempt_fields(attempt),
        payment_id=attempt.payment_id,
        refund_id=attempt.refund_id or "",
        capture_id=attempt.capture_id or "",
        channel=attempt.channel,
        action=_ACTIONS[attempt.action],
        expire_time=to_timestamp(attempt.expire_time) if attempt.expire_time else None,
        state=_STATES[attempt.state],
    )


def to_overdue(overdue: OverdueAttempt) -> pb.OverdueAttempt:
    """Make the resource."""
    attempt = overdue.attempt
    return pb.OverdueAttempt(
        attempt=to_attempt(attempt),
        merchant_id=overdue.merchant_id,
        channel=attempt.channel,
        amount=money_pb2.Money(amount_minor=attempt.amount_minor, currency_code=attempt.currency_code),
        unanswered_seconds=int(attempt.age_s),
    )


def to_unmatched(kept: UnmatchedEvidence) -> pb.UnmatchedEvidence:
    """Make the resource."""
    return pb.UnmatchedEvidence(
        evidence_id=kept.evidence_id,
        attempt_id=kept.attempt_id,
        channel_reference=kept.channel_reference,
        outcome=_WIRE_OUTCOMES.get(kept.outcome, pb.CHANNEL_OUTCOME_UNSPECIFIED),
        decline_code=kept.failure_code,
        amount=money_pb2.Money(amount_minor=kept.amount_minor, currency_code=kept.currency_code)
        if kept.amount_minor
        else None,
        create_time=to_timestamp(kept.create_time),
        refusal=kept.refusal,
    )


def from_list_overdue(request: pb.ListOverdueAttemptsRequest) -> OverdueFilter:
    """Read which attempts whose outcome is overdue to list."""
    return OverdueFilter(
        within_s=OUTCOME_WITHIN_S,
        merchant_id=request.merchant_id or None,
        channel=request.channel or None,
        currency_code=request.currency_code or None,
    )


def from_list_unmatched(request: pb.ListUnmatchedEvidenceRequest) -> UnmatchedEvidenceFilter:
    """Read which evidence about no attempt to list."""
    return UnmatchedEvidenceFilter(
        attempt_id=request.attempt_id or None,
        channel_reference=request.channel_reference or None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_report(request: pb.ReportChannelResultRequest) -> Evidence:
    """Read a channel's callback."""
    told = reported(request, _OUTCOMES[request.outcome], code=request.decline_code)
    if not request.HasField("next_action"):
        return told
    return replace(told, failure_code=None, action=from_next_action(request.next_action))
