"""What payment asks of channels, and what their failures mean in its words. Pure; see `paykit.channels.attempts`.

A payment is accepted first and sent afterwards, as a rule at once, but a channel may be away for hours. So what takes
money is looked at again when it is sent: it may be too late, or its merchant may do no business by now. What gives
money back is always sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit.channels import attempts, judging
from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Source, Verdict
from paykit.clock import no_earlier
from paykit.errors import FieldInvalid
from paykit.merchants.standing import MerchantStanding
from paystream.payment.v1 import events
from paystream.quick_init import quick_init

_REASONS = {
    "do_not_honor": events.FailureReason.DECLINED,
    "insufficient_funds": events.FailureReason.INSUFFICIENT_FUNDS,
    "expired_card": events.FailureReason.METHOD_EXPIRED,
    "invalid_method": events.FailureReason.METHOD_INVALID,
    "suspected_fraud": events.FailureReason.FRAUD_SUSPECTED,
    "limit_exceeded": events.FailureReason.LIMIT_EXCEEDED,
    "authentication_failed": events.FailureReason.AUTHENTICATION_FAILED,
    "action_expired": events.FailureReason.ACTION_EXPIRED,
    "cancelled": events.FailureReason.CANCELLED,
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
EXPIRED_UNSENT = "expired_unsent"
"""The failure code of an attempt whose time was over before it was sent."""
MERCHANT_SUSPENDED = "merchant_suspended"
"""The failure code of an attempt that was not sent, as its merchant may do no business."""

_WITHHELD = {
    EXPIRED_UNSENT: events.FailureReason.EXPIRED_UNSENT,
    MERCHANT_SUSPENDED: events.FailureReason.MERCHANT_SUSPENDED,
}


UNSENT_TTL = timedelta(hours=24)
"""How long what takes money may wait to be sent, unless caller or settings say otherwise."""
SEND_LIFE_MAX = timedelta(days=30)
"""How far ahead the time can lie until which a payment may be sent."""

_S = MerchantStanding
_TAKES = frozenset({AttemptAction.CHARGE, AttemptAction.AUTHORIZE})
_FINISHES = frozenset({AttemptAction.CAPTURE})
_GIVES_BACK = frozenset({AttemptAction.CANCEL, AttemptAction.REFUND})

SENT: Mapping[tuple[AttemptAction, MerchantStanding], bool] = MappingProxyType(
    {
        # Nobody takes money for a merchant who is stopped or leaves; one who leaves finishes what is authorized.
        **{(action, standing): standing is _S.ACTIVE for action in _TAKES for standing in _S},
        **{(action, standing): standing in {_S.ACTIVE, _S.CLOSING} for action in _FINISHES for standing in _S},
        **{(action, standing): True for action in _GIVES_BACK for standing in _S},
    }
)
"""Whether what is queued is sent for a merchant of this standing."""


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAttempt(attempts.Attempt):
    """One call to a channel for a payment.

    Attributes:
        refund_id: Set exactly for a REFUND.
        capture_id: Set exactly for a CAPTURE.
        allotted_capture_id: With a CHARGE: the capture that it makes, so named before the call.
        original_reference: The channel's reference of the charge or authorization that the attempt follows.
        expire_time: Until when it may be sent, in business time; None for what gives money back.
        action_digest: What its channel last said that the payer has to do, so that it is known when it is said again.
    """

    payment_id: str
    refund_id: str | None = None
    capture_id: str | None = None
    allotted_capture_id: str | None = None
    action: AttemptAction
    original_reference: str | None = None
    expire_time: datetime | None = None
    failure_reason: events.FailureReason | None = None
    action_digest: str | None = None

    @property
    def related_no(self) -> str:
        """What its channel is told to call the money: what is refunded or captured, else the payment."""
        return self.refund_id or self.capture_id or self.allotted_capture_id or self.payment_id

    @property
    def amount_counts(self) -> bool:
        """Whether the amount that its channel tells is evidence: what a void releases moves no money."""
        return self.action is not AttemptAction.CANCEL

    @property
    def takes_action(self) -> bool:
        """Whether it can wait for a payer: what follows a payment's first call cannot."""
        return self.action in _TAKES

    @property
    def told_action(self) -> str | None:
        """The digest of what its channel last said that the payer has to do."""
        return self.action_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What evidence of a failure says.

    Attributes:
        code: As the channel says.
        channel_reference: The channel's reference of what failed; None when it gave none.
        attempt_id: The call that failed; None where nothing was queued.
    """

    reason: events.FailureReason
    code: str | None
    channel_reference: str | None
    attempt_id: str | None


def decide(attempt: PaymentAttempt, evidence: Evidence, verdict: Verdict, *, now: datetime) -> PaymentAttempt:
    """Return the attempt as a verdict leaves it."""
    failed = verdict is Verdict.FAIL or evidence.outcome is EvidenceOutcome.FAILED
    reason = failure_reason(evidence) if failed else None
    decided = judging.decide(attempt, evidence, verdict, failure_reason=reason, now=now)
    if verdict is Verdict.REQUIRE_ACTION and evidence.action is not None:
        return replace(decided, action_digest=evidence.action.digest)
    return decided


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
        reason=failure_reason(evidence),
        code=evidence.failure_code,
        channel_reference=evidence.channel_reference,
        attempt_id=evidence.attempt_id,
    )


def failure_reason(evidence: Evidence) -> events.FailureReason:
    """Return the reason that evidence of a failure proves.

    A code of the channel that payment has no word for is CHANNEL_REJECTED; no code, DECLINED.
    """
    if evidence.outcome is EvidenceOutcome.NOT_FOUND:
        return events.FailureReason.NOT_RECEIVED
    if evidence.failure_code is None:
        return events.FailureReason.DECLINED
    if evidence.source is Source.WITHHELD:
        return _WITHHELD[evidence.failure_code]
    return _REASONS.get(evidence.failure_code, events.FailureReason.CHANNEL_REJECTED)


def send_until(asked_for: datetime | None, ttl: timedelta, *, now: datetime) -> datetime:
    """Return the time until which a payment may be sent.

    Args:
        asked_for: By the caller; None where it left that open.
        ttl: Of what nobody asked for another time.
        now: Business time.

    Raises:
        FieldInvalid: The time is past, or too far ahead.
    """
    until = now + ttl if asked_for is None else asked_for
    if not now < until <= now + SEND_LIFE_MAX:
        message = f"expire_time must be to come, and at most {SEND_LIFE_MAX.days} days ahead."
        raise FieldInvalid(message, field="expire_time")
    return until


def withhold(attempt: PaymentAttempt, standing: MerchantStanding | None, *, now: datetime) -> Evidence | None:
    """Return the evidence that an attempt just taken off the queue is not sent; None where it is.

    A standing of None is a merchant of whom nothing is known, as while that is rebuilt: what was accepted is sent.
    """
    if attempt.expire_time is not None and attempt.expire_time <= now:
        return _withheld(attempt, EXPIRED_UNSENT)
    if standing is not None and not SENT[attempt.action, standing]:
        return _withheld(attempt, MERCHANT_SUSPENDED)
    return None


def expire(attempt: PaymentAttempt, *, now: datetime) -> tuple[PaymentAttempt, Failure]:
    """Return an attempt that is PENDING, and whose time is over, as one that its channel never received."""
    failure = Failure(
        reason=events.FailureReason.EXPIRED_UNSENT,
        code=EXPIRED_UNSENT,
        channel_reference=None,
        attempt_id=attempt.attempt_id,
    )
    expired = replace(
        attempt,
        state=AttemptState.FAILED,
        failure_reason=failure.reason,
        failure_code=failure.code,
        update_time=no_earlier(now, attempt.update_time),
    )
    return expired, failure


def _withheld(attempt: PaymentAttempt, code: str) -> Evidence:
    return Evidence(
        attempt_id=attempt.attempt_id, source=Source.WITHHELD, outcome=EvidenceOutcome.FAILED, failure_code=code
    )
