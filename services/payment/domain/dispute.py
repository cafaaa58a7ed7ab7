"""A dispute of a captured payment: its states and what each change does to the payment's amounts. Pure.

The channel opens and decides disputes; the merchant answers one, once, while it is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.aggregate import next_revision
from paykit.channels.attempts import AttemptState, ChannelAmountMismatch
from paykit.clock import no_earlier
from paykit.errors import DomainError, IllegalTransition, InvariantError, Kind
from paystream.payment.v1 import events
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.payment import Payment, PaymentAction, PaymentFacts, refundable_minor
from services.payment.domain.payment import facts as payment_facts
from services.payment.domain.payment import next_state as next_payment_state


class DisputeState(StrEnum):
    """How far a dispute has come; all but WON hold the disputed amount, and LOST holds it for ever."""

    OPENED = "OPENED"
    CONTESTED = "CONTESTED"
    WON = "WON"
    LOST = "LOST"


class DisputeAction(StrEnum):
    """What can happen to a dispute."""

    CONTEST = "CONTEST"
    ACCEPT = "ACCEPT"
    WIN = "WIN"
    LOSE = "LOSE"


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
        (DisputeState.OPENED, DisputeAction.WIN): DisputeState.WON,
        (DisputeState.OPENED, DisputeAction.LOSE): DisputeState.LOST,
        (DisputeState.CONTESTED, DisputeAction.WIN): DisputeState.WON,
        (DisputeState.CONTESTED, DisputeAction.LOSE): DisputeState.LOST,
    }
)
"""The state after an action; a pair that is missing is illegal."""

_CAPTURES = frozenset({AttemptAction.CHARGE, AttemptAction.CAPTURE})


class DisputeNotFound(DomainError):
    """No dispute has this id."""

    kind = Kind.NOT_FOUND
    reason = "DISPUTE_NOT_FOUND"


class DisputeReferenceTaken(DomainError):
    """The channel gave this reference to a dispute of another attempt; metadata says which dispute that is."""

    kind = Kind.ALREADY_EXISTS
    reason = "DISPUTE_REFERENCE_TAKEN"


class DisputeExceedsCaptured(DomainError):
    """More is disputed than is left of what was captured; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_EXCEEDS_CAPTURED"


class DisputeResponseLate(DomainError):
    """The dispute could be contested until respond_by, which is over."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_RESPONSE_LATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a channel says; everything in every report, so that a decision that comes first loses nothing.

    Attributes:
        attempt_id: Of the charge or capture that is disputed.
        respond_by: None where the channel sets no limit.
    """

    attempt_id: str
    dispute_reference: str
    outcome: DisputeOutcome
    amount_minor: int
    currency_code: str
    reason: events.DisputeReason
    respond_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute; the amount is in minor units of `currency_code`.

    Attributes:
        attempt_id: Of the charge or capture that is disputed.
        accepted: Whether the merchant gave it up; only when LOST.
        contradicted: Whether the channel said the opposite of a decision afterwards.
        evidence: What the merchant contested it with; for the channel alone, no event carries it.
        response_state: None while the merchant has not answered.
    """

    dispute_id: str
    payment_id: str
    merchant_id: str
    attempt_id: str
    channel: str
    dispute_reference: str
    amount_minor: int
    currency_code: str
    reason: events.DisputeReason
    respond_by: datetime | None
    create_time: datetime
    update_time: datetime
    state: DisputeState = DisputeState.OPENED
    accepted: bool = False
    contradicted: bool = False
    evidence: str | None = None
    response_state: ResponseState | None = None


class DisputeFacts(PaymentFacts):
    """The fields that all dispute events share; they are events of the payment, in its order."""

    dispute_id: str
    amount_minor: int
    reason: events.DisputeReason
    channel_reference: str


def not_found(dispute_id: str) -> DisputeNotFound:
    """Return the refusal of what is asked of a dispute that does not exist."""
    return DisputeNotFound("No dispute has this id.", field="dispute_id", dispute_id=dispute_id)


def next_state(state: DisputeState, action: DisputeAction) -> DisputeState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The dispute is decided, or contested already.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A dispute")


def open_dispute(
    payment: Payment, attempt: PaymentAttempt, reported: Reported, *, dispute_id: str, now: datetime
) -> tuple[Payment, Dispute, events.DisputeOpened]:
    """Hold what is disputed.

    Raises:
        IllegalTransition: The attempt captured nothing.
        DisputeExceedsCaptured: More is disputed than the attempt captured, or than is left of the payment.
        ChannelAmountMismatch: It is disputed in another currency.
    """
    _require_disputable(payment, attempt, reported)
    opened = Dispute(
        dispute_id=dispute_id,
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        attempt_id=attempt.attempt_id,
        channel=attempt.channel,
        dispute_reference=reported.dispute_reference,
        amount_minor=reported.amount_minor,
        currency_code=reported.currency_code,
        reason=reported.reason,
        respond_by=reported.respond_by,
        create_time=now,
        update_time=now,
    )
    disputed = replace(
        payment, **next_revision(payment, now), disputed_minor=payment.disputed_minor + opened.amount_minor
    )
    return (
        disputed,
        opened,
        events.DisputeOpened(
            **facts(disputed, opened),
            respond_by=opened.respond_by,
            capture_id=None,
            stage=events.DisputeStage.CHARGEBACK,
            category=None,
            excess_minor=0,
            fee_minor=0,
        ),
    )


def win(payment: Payment, dispute: Dispute, *, now: datetime) -> tuple[Payment, Dispute, events.DisputeWon]:
    """Record that the channel decided for the merchant, who has the amount again.

    Raises:
        IllegalTransition: It is decided already.
    """
    won = replace(_touch(dispute, now), state=next_state(dispute.state, DisputeAction.WIN))
    released = replace(
        payment, **next_revision(payment, now), disputed_minor=payment.disputed_minor - dispute.amount_minor
    )
    return (
        released,
        won,
        events.DisputeWon(
            **facts(released, won),
            capture_id=None,
            stage=events.DisputeStage.CHARGEBACK,
            excess_minor=0,
            fee_returned_minor=0,
        ),
    )


def lose(payment: Payment, dispute: Dispute, *, now: datetime) -> tuple[Payment, Dispute, events.DisputeLost]:
    """Record that the channel decided for the payer: the amount is gone, and stays counted as disputed.

    Raises:
        IllegalTransition: It is decided already.
    """
    lost = replace(_touch(dispute, now), state=next_state(dispute.state, DisputeAction.LOSE))
    charged = replace(payment, **next_revision(payment, now), lost_minor=payment.lost_minor + dispute.amount_minor)
    return (
        charged,
        lost,
        events.DisputeLost(
            **facts(charged, lost),
            accepted=False,
            capture_id=None,
            stage=events.DisputeStage.CHARGEBACK,
            returned_minor=0,
            excess_lost_minor=0,
            excess_returned_minor=0,
        ),
    )


def accept(payment: Payment, dispute: Dispute, *, now: datetime) -> tuple[Payment, Dispute, events.DisputeLost]:
    """Return a dispute up for the merchant; the channel is still to be told.

    Raises:
        IllegalTransition: It is contested or decided already.
    """
    lost = replace(
        _touch(dispute, now),
        state=next_state(dispute.state, DisputeAction.ACCEPT),
        accepted=True,
        response_state=ResponseState.PENDING,
    )
    charged = replace(payment, **next_revision(payment, now), lost_minor=payment.lost_minor + dispute.amount_minor)
    return (
        charged,
        lost,
        events.DisputeLost(
            **facts(charged, lost),
            accepted=True,
            capture_id=None,
            stage=events.DisputeStage.CHARGEBACK,
            returned_minor=0,
            excess_lost_minor=0,
            excess_returned_minor=0,
        ),
    )


def contest(dispute: Dispute, *, evidence: str, now: datetime) -> Dispute:
    """Contest a dispute for the merchant; the channel is still to be told. The payment does not change.

    Raises:
        IllegalTransition: It is contested or decided already.
        DisputeResponseLate: respond_by is over.
    """
    state = next_state(dispute.state, DisputeAction.CONTEST)
    if dispute.respond_by is not None and now > dispute.respond_by:
        raise DisputeResponseLate("The time to contest the dispute is over.", respond_by=dispute.respond_by.isoformat())
    return replace(_touch(dispute, now), state=state, evidence=evidence, response_state=ResponseState.PENDING)


def contradicts(dispute: Dispute, outcome: DisputeOutcome) -> bool:
    """Return whether a report is the opposite of what was decided; an opening told late is not."""
    decided = {DisputeState.WON: DisputeOutcome.LOST, DisputeState.LOST: DisputeOutcome.WON}
    return decided.get(dispute.state) is outcome


def contradict(dispute: Dispute, *, now: datetime) -> Dispute:
    """Mark that the channel said the opposite of what was decided; the decision stands."""
    return replace(_touch(dispute, now), contradicted=True)


def answered(dispute: Dispute, *, taken: bool, now: datetime) -> Dispute:
    """Record that the channel took the merchant's answer, or will not.

    Raises:
        InvariantError: There is no answer that it was to be told.
    """
    if dispute.response_state is None:
        raise InvariantError(f"dispute {dispute.dispute_id} was not answered")
    return replace(_touch(dispute, now), response_state=ResponseState.TOLD if taken else ResponseState.REFUSED)


def require_same(dispute: Dispute, reported: Reported) -> None:
    """Check that a report of a dispute that is known is about the same.

    Raises:
        DisputeReferenceTaken: It is about another attempt.
        ChannelAmountMismatch: It is about another amount.
    """
    if reported.attempt_id != dispute.attempt_id:
        raise DisputeReferenceTaken(
            "The channel gave this reference to another dispute.",
            field="dispute_reference",
            dispute_id=dispute.dispute_id,
        )
    if (reported.amount_minor, reported.currency_code) != (dispute.amount_minor, dispute.currency_code):
        raise _mismatch(dispute.amount_minor, dispute.currency_code, what="dispute")


def _touch(dispute: Dispute, now: datetime) -> Dispute:
    return replace(dispute, update_time=no_earlier(now, dispute.update_time))


def _require_disputable(payment: Payment, attempt: PaymentAttempt, reported: Reported) -> None:
    if attempt.state is not AttemptState.SUCCEEDED or attempt.action not in _CAPTURES:
        raise IllegalTransition(
            "Only what a charge or a capture has captured can be disputed.",
            field="attempt_id",
            state=attempt.state,
            action=PaymentAction.DISPUTE,
        )
    next_payment_state(payment.state, PaymentAction.DISPUTE)
    if reported.currency_code != payment.currency_code:
        raise _mismatch(attempt.amount_minor, payment.currency_code, what="attempt")
    left_minor = min(attempt.amount_minor, refundable_minor(payment))
    if reported.amount_minor > left_minor:
        raise DisputeExceedsCaptured(
            f"Only {left_minor} minor units of {payment.currency_code} can be disputed.",
            field="amount.amount_minor",
            disputable_minor=str(left_minor),
            currency_code=payment.currency_code,
        )


def _mismatch(amount_minor: int, currency_code: str, *, what: str) -> ChannelAmountMismatch:
    return ChannelAmountMismatch(
        f"The {what} is over {amount_minor} minor units of {currency_code}.",
        field="amount",
        amount_minor=str(amount_minor),
        currency_code=currency_code,
    )


def facts(payment: Payment, dispute: Dispute) -> DisputeFacts:
    """Return what an event of the payment's latest change, which a dispute made, begins with."""
    return {
        **payment_facts(payment),
        "dispute_id": dispute.dispute_id,
        "amount_minor": dispute.amount_minor,
        "reason": dispute.reason,
        "channel_reference": dispute.dispute_reference,
    }
