"""What payment asks of channels, and what their failures mean in its words. Pure; see `paykit.channels.attempts`."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from paykit.channels import attempts, judging
from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Verdict
from paykit.clock import no_earlier
from paystream.payment.v1 import events

_REASONS = {
    "do_not_honor": events.FailureReason.DECLINED,
    "insufficient_funds": events.FailureReason.INSUFFICIENT_FUNDS,
    "expired_card": events.FailureReason.METHOD_EXPIRED,
    "invalid_method": events.FailureReason.METHOD_INVALID,
    "suspected_fraud": events.FailureReason.FRAUD_SUSPECTED,
    "limit_exceeded": events.FailureReason.LIMIT_EXCEEDED,
}


class AttemptAction(StrEnum):
    """What is asked of the channel; CHARGE authorizes and captures in one, CANCEL releases what is not captured."""

    CHARGE = "CHARGE"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"


WITHDRAWN = "withdrawn"
"""The failure code of an attempt that was taken off the queue before it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAttempt(attempts.Attempt):
    """One call to a channel for a payment.

    Attributes:
        refund_id: Set exactly for a REFUND.
        capture_id: Set exactly for a CAPTURE.
        original_reference: The channel's reference of the charge or authorization that the attempt follows.
    """

    payment_id: str
    refund_id: str | None = None
    capture_id: str | None = None
    action: AttemptAction
    original_reference: str | None = None
    failure_reason: events.FailureReason | None = None

    @property
    def amount_counts(self) -> bool:
        """Whether the amount that its channel tells is evidence: what a void releases moves no money."""
        return self.action is not AttemptAction.CANCEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What evidence of a failure says.

    Attributes:
        code: As the channel says.
        channel_reference: The channel's reference of what failed; None when it gave none.
    """

    reason: events.FailureReason
    code: str | None
    channel_reference: str | None


def decide(attempt: PaymentAttempt, evidence: Evidence, verdict: Verdict, *, now: datetime) -> PaymentAttempt:
    """Return the attempt as a verdict leaves it."""
    failed = verdict is Verdict.FAIL or evidence.outcome is EvidenceOutcome.FAILED
    reason = failure_reason(evidence) if failed else None
    return judging.decide(attempt, evidence, verdict, failure_reason=reason, now=now)


def withdraw(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """Return an attempt that is PENDING, and is not to be sent any more, as one that its channel never received."""
    reason = events.FailureReason.NOT_RECEIVED
    return replace(
        attempt,
        state=AttemptState.FAILED,
        failure_reason=reason,
        failure_code=WITHDRAWN,
        update_time=no_earlier(now, attempt.update_time),
    )


def failure(evidence: Evidence) -> Failure:
    """Return what evidence of a failure says."""
    return Failure(
        reason=failure_reason(evidence), code=evidence.failure_code, channel_reference=evidence.channel_reference
    )


def failure_reason(evidence: Evidence) -> events.FailureReason:
    """Return the reason that evidence of a failure proves.

    A code of the channel that payment has no word for is CHANNEL_REJECTED; no code, DECLINED.
    """
    if evidence.outcome is EvidenceOutcome.NOT_FOUND:
        return events.FailureReason.NOT_RECEIVED
    if evidence.failure_code is None:
        return events.FailureReason.DECLINED
    return _REASONS.get(evidence.failure_code, events.FailureReason.CHANNEL_REJECTED)
