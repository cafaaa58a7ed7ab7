"""A dispute of a captured payment: what is known of it, and what the merchant answers. Pure.

The channel opens and decides disputes, by the words in `dispute_words`; what each does is in `dispute_rulings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.channels.attempts import AttemptState, ChannelAmountMismatch
from paykit.clock import no_earlier
from paykit.contradictions.contradiction import Contradiction
from paykit.errors import DomainError, IllegalTransition, InvariantError, Kind
from paystream.payment.v1 import events
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment, PaymentAction, PaymentFacts
from services.payment.domain.payment import facts as payment_facts
from services.payment.domain.payment import next_state as next_payment_state


class DisputeState(StrEnum):
    """How far a dispute has come; CLOSED is an inquiry that ended without one."""

    OPENED = "OPENED"
    CONTESTED = "CONTESTED"
    WON = "WON"
    LOST = "LOST"
    CLOSED = "CLOSED"


class DisputeAction(StrEnum):
    """What the merchant can do about a dispute."""

    CONTEST = "CONTEST"
    ACCEPT = "ACCEPT"


class ResponseState(StrEnum):
    """Whether the channel knows the merchant's answer."""

    PENDING = "PENDING"
    TOLD = "TOLD"
    REFUSED = "REFUSED"


class DisputeOutcome(StrEnum):
    """What a channel says of a dispute."""

    OPENED = "OPENED"
    WON = "WON"
    LOST = "LOST"


TRANSITIONS: Mapping[tuple[DisputeState, DisputeAction], DisputeState] = MappingProxyType(
    {
        (DisputeState.OPENED, DisputeAction.CONTEST): DisputeState.CONTESTED,
        (DisputeState.OPENED, DisputeAction.ACCEPT): DisputeState.LOST,
    }
)
"""The state after an answer; a pair that is missing is illegal."""

_CAPTURES = frozenset({AttemptAction.CHARGE, AttemptAction.CAPTURE})


class DisputeNotFound(DomainError):
    """No dispute has this id."""

    kind = Kind.NOT_FOUND
    reason = "DISPUTE_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a channel says; everything in every report, so that a decision that comes first loses nothing.

    Attributes:
        attempt_id: Of the charge or capture that is disputed.
        stage: None where a decision does not say, which is then of the stage that the dispute is at.
        amount_minor: What is disputed; with WON what comes back, with LOST what is lost of it.
        category: The card scheme's or bank's own; None where it says none.
        respond_by: None where the channel sets no limit.
        occur_time: When it happened, as the channel says; None where it does not.
    """

    attempt_id: str
    dispute_reference: str
    outcome: DisputeOutcome
    stage: events.DisputeStage | None
    amount_minor: int
    currency_code: str
    reason: events.DisputeReason
    category: str | None
    respond_by: datetime | None
    occur_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute; amounts are in minor units of `currency_code`.

    Attributes:
        attempt_id: Of the charge or capture that is disputed.
        capture_id: That it captured.
        amount_minor: Disputed when the amount was taken; of an inquiry, what it asks about.
        claimed_minor: Disputed as the channel said last.
        held_minor: Of `amount_minor`, what was left of the capture when it was taken, and so was held.
        excess_minor: The rest of it, which could not be held.
        counted_minor: What it takes of the capture's limits at present.
        lost_minor: Of the decision that stands.
        owed_minor: Of that, what the merchant owes, as it could not be held.
        fee_minor: Charged to the merchant for it.
        fee_returned_minor: Given back of that.
        booked: Whether the ledger holds it: from DisputeOpened until it is decided.
        accepted: Whether the merchant gave it up.
        contradicted: Whether the channel said of it what does not agree with what was recorded.
        evidence: What the merchant contested it with; for the channel alone, no event carries it.
        response_state: None while the merchant has not answered.
        word_time: When what is recorded happened, as the channel says; None where it did not say.
        reminded_of: The respond_by that was told to be soon; None while none was.
    """

    dispute_id: str
    payment_id: str
    merchant_id: str
    attempt_id: str
    capture_id: str
    channel: str
    dispute_reference: str
    stage: events.DisputeStage
    amount_minor: int
    claimed_minor: int
    currency_code: str
    reason: events.DisputeReason
    category: str | None
    respond_by: datetime | None
    create_time: datetime
    update_time: datetime
    held_minor: int = 0
    excess_minor: int = 0
    counted_minor: int = 0
    lost_minor: int = 0
    owed_minor: int = 0
    fee_minor: int = 0
    fee_returned_minor: int = 0
    booked: bool = False
    state: DisputeState = DisputeState.OPENED
    accepted: bool = False
    contradicted: bool = False
    evidence: str | None = None
    response_state: ResponseState | None = None
    word_time: datetime | None = None
    reminded_of: datetime | None = None


DisputeEvent = (
    events.DisputeInquiryOpened
    | events.DisputeOpened
    | events.DisputeExceeded
    | events.DisputeWon
    | events.DisputeLost
    | events.DisputeOverturned
    | events.DisputeContradicted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeCase:
    """A dispute with what it changes, as each step leaves them for the next.

    Attributes:
        capture: None of a charge, which is captured in its payment.
        told: The events of the steps so far, in order.
        contradiction: What the word did not agree with; None where it did.
    """

    payment: Payment
    capture: Capture | None
    dispute: Dispute
    told: tuple[DisputeEvent, ...] = ()
    contradiction: Contradiction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What steps need beside the channel's word.

    Attributes:
        fee_minor: What the merchant's fee plan charges for a dispute of this currency.
        overturn_id: Of the new decision, should there be one.
        contradiction_id: Of the contradiction, should there be one.
        accepted: Whether it is the merchant who gives the dispute up.
    """

    fee_minor: int
    overturn_id: str
    contradiction_id: str
    now: datetime
    accepted: bool = False


class DisputeFacts(PaymentFacts):
    """The fields that all dispute events share; they are events of the payment, in its order."""

    dispute_id: str
    capture_id: str | None
    amount_minor: int
    reason: events.DisputeReason
    channel_reference: str
    attempt_id: str
    opened_at: datetime
    fee_minor: int


def not_found(dispute_id: str) -> DisputeNotFound:
    """Return the refusal of what is asked of a dispute that does not exist."""
    return DisputeNotFound("No dispute has this id.", field="dispute_id", dispute_id=dispute_id)


def next_state(state: DisputeState, action: DisputeAction) -> DisputeState:
    """Return the state after an answer.

    Raises:
        IllegalTransition: The dispute is decided, or contested already.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A dispute")


def begin(
    payment: Payment,
    capture: Capture | None,
    attempt: PaymentAttempt,
    reported: Reported,
    *,
    dispute_id: str,
    now: datetime,
) -> Dispute:
    """Return a dispute just heard of, before anything follows from it; the capture is None of a charge.

    Raises:
        IllegalTransition: The attempt captured nothing.
        ChannelAmountMismatch: The payment is in another currency.
    """
    _require_captured(payment, capture, attempt)
    if reported.currency_code != payment.currency_code:
        raise _currency_mismatch(payment, attempt)
    return Dispute(
        dispute_id=dispute_id,
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        attempt_id=attempt.attempt_id,
        capture_id=capture.capture_id if capture else payment.capture_id or "",
        channel=attempt.channel,
        dispute_reference=reported.dispute_reference,
        stage=reported.stage or events.DisputeStage.CHARGEBACK,
        amount_minor=reported.amount_minor,
        claimed_minor=reported.amount_minor,
        currency_code=reported.currency_code,
        reason=reported.reason,
        category=reported.category,
        respond_by=reported.respond_by,
        create_time=now,
        update_time=now,
    )


def require_acceptable(dispute: Dispute) -> None:
    """Check that the merchant can give a dispute up.

    Raises:
        IllegalTransition: It is contested or decided already, or an inquiry, which is answered or refunded.
    """
    next_state(dispute.state, DisputeAction.ACCEPT)
    if dispute.stage is events.DisputeStage.INQUIRY:
        raise IllegalTransition(
            "Nothing is disputed yet; an inquiry is answered, or the payment refunded.",
            state=dispute.state,
            action=DisputeAction.ACCEPT,
        )


def answered(dispute: Dispute, *, taken: bool, now: datetime) -> Dispute:
    """Record that the channel took the merchant's answer, or will not.

    Raises:
        InvariantError: There is no answer that it was to be told.
    """
    if dispute.response_state is None:
        raise InvariantError(f"dispute {dispute.dispute_id} was not answered")
    return replace(touched(dispute, now), response_state=ResponseState.TOLD if taken else ResponseState.REFUSED)


def touched(dispute: Dispute, now: datetime) -> Dispute:
    """Return a dispute as changed at `now`."""
    return replace(dispute, update_time=no_earlier(now, dispute.update_time))


def facts(payment: Payment, dispute: Dispute, *, amount_minor: int | None = None) -> DisputeFacts:
    """Return what an event of the payment's latest change, which a dispute made, begins with.

    `amount_minor` is what it is about, where that is not all that is disputed.
    """
    return {
        **payment_facts(payment),
        "dispute_id": dispute.dispute_id,
        "capture_id": dispute.capture_id,
        "amount_minor": dispute.amount_minor if amount_minor is None else amount_minor,
        "reason": dispute.reason,
        "channel_reference": dispute.dispute_reference,
        "attempt_id": dispute.attempt_id,
        "opened_at": dispute.create_time,
        "fee_minor": dispute.fee_minor,
    }


def _require_captured(payment: Payment, capture: Capture | None, attempt: PaymentAttempt) -> None:
    """Refuse a dispute of what never captured; what captured and bounced can be disputed, with nothing left to hold."""
    if attempt.action is AttemptAction.CAPTURE and (capture is None or capture.state is not MovementState.SUCCEEDED):
        raise IllegalTransition(
            "What it took came late, if it took anything, and is not the merchant's.",
            field="attempt_id",
            state=capture.state if capture else attempt.state,
            action=PaymentAction.DISPUTE,
        )
    bounced = attempt.state is AttemptState.FAILED and attempt.contradicted
    if not (bounced or attempt.state is AttemptState.SUCCEEDED) or attempt.action not in _CAPTURES:
        raise IllegalTransition(
            "Only what a charge or a capture has captured can be disputed.",
            field="attempt_id",
            state=attempt.state,
            action=PaymentAction.DISPUTE,
        )
    next_payment_state(payment.state, PaymentAction.DISPUTE)


def _currency_mismatch(payment: Payment, attempt: PaymentAttempt) -> ChannelAmountMismatch:
    return ChannelAmountMismatch(
        f"The attempt is over {attempt.amount_minor} minor units of {payment.currency_code}.",
        field="amount",
        amount_minor=str(attempt.amount_minor),
        currency_code=payment.currency_code,
    )
