"""A payer's dispute of a capture, on the acquirer's side: opened, answered or not, decided. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import CurrencyMismatch, DomainError, InvariantError, Kind
from paykit.ids import named_id
from paykit.money import Money
from paystream.channel.v1 import events
from services.channel.domain.late_outcome import OutcomeImpossible
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import Authorization, ChannelTransaction

RESPOND_WITHIN_S = 7 * 86_400
"""How long a dispute can be answered unless it says otherwise, in seconds of business time."""


class ChannelDisputeState(StrEnum):
    """How far a dispute has come; all but WON hold the amount back."""

    OPENED = "OPENED"
    CONTESTED = "CONTESTED"
    WON = "WON"
    LOST = "LOST"


class ChannelDisputeStage(StrEnum):
    """How far the payer's bank has gone; only a chargeback takes the amount when it begins."""

    INQUIRY = "INQUIRY"
    CHARGEBACK = "CHARGEBACK"
    PRE_ARBITRATION = "PRE_ARBITRATION"


class DisputeReason(StrEnum):
    """What the payer says."""

    FRAUD = "FRAUD"
    NOT_RECEIVED = "NOT_RECEIVED"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DUPLICATE = "DUPLICATE"
    CREDIT_NOT_PROCESSED = "CREDIT_NOT_PROCESSED"
    OTHER = "OTHER"


class AttemptNotFound(DomainError):
    """No attempt has this id."""

    kind = Kind.NOT_FOUND
    reason = "ATTEMPT_NOT_FOUND"


class AttemptNotCaptured(DomainError):
    """The attempt captured nothing that could be disputed."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ATTEMPT_NOT_CAPTURED"


class DisputeExceedsCaptured(DomainError):
    """More is disputed than is left of what was captured; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_EXCEEDS_CAPTURED"


class DisputeNotFound(DomainError):
    """No dispute has this reference."""

    kind = Kind.NOT_FOUND
    reason = "DISPUTE_NOT_FOUND"


class DisputeResponseLate(DomainError):
    """The dispute could be answered until respond_by, which is over."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_RESPONSE_LATE"


class DisputeAlreadyAnswered(DomainError):
    """The dispute was answered otherwise before."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_ALREADY_ANSWERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDispute:
    """A dispute on the channel's record.

    Attributes:
        related_no: What the caller calls the capture; None where it did not tell.
        contest_loses: How contesting it ends.
        lose_minor: What losing it loses; 0 for all that is disputed.
        taken_minor: Held back, or lost, at present.
        contested: The answer: whether it was contested; None while there is none.
        evidence: What came with the answer.
        due_time: When it is decided unless something happens before: respond_by, then after the delay of a contest;
            None when it is decided.
        callback_address: Where it is told; empty for nowhere.
        line_date: Day of the line of its opening, YYYY-MM-DD in UTC; None where nothing was held then.
        files: What came with the answer, as `name media_type size_bytes sha256` each.
        version: From 1, one more with every change.
        creating_call: Kept so that the same call opens nothing again.
    """

    dispute_reference: str
    attempt_id: str
    authorization_reference: str
    merchant_id: str
    amount_minor: int
    currency_code: str
    related_no: str | None
    reason: DisputeReason
    contest_loses: bool
    respond_by: datetime
    callback_address: str
    correlation_id: str
    line_date: str | None
    create_time: datetime
    update_time: datetime
    due_time: datetime | None
    state: ChannelDisputeState = ChannelDisputeState.OPENED
    contested: bool | None = None
    evidence: str = ""
    files: str = ""
    stage: ChannelDisputeStage = ChannelDisputeStage.CHARGEBACK
    category: str = ""
    lose_minor: int = 0
    taken_minor: int = 0
    version: int = 1
    creating_call: CreatingCall = NO_CALL


class DisputeResponse(NamedTuple):
    """A merchant's answer; `files` is as in a dispute."""

    contested: bool
    evidence: str
    files: str


class DisputeMove(NamedTuple):
    """A dispute after a step, the authorization after it, and the line of what moved; None where nothing did."""

    dispute: ChannelDispute
    authorization: Authorization
    line: ChannelLine | None


def not_found(dispute_reference: str) -> DisputeNotFound:
    """Return the refusal of what is asked of a dispute that does not exist."""
    return DisputeNotFound(
        "No dispute has this reference.", field="dispute_reference", dispute_reference=dispute_reference
    )


def attempt_not_found(attempt_id: str) -> AttemptNotFound:
    """Return the refusal of what is asked of an attempt that is not on record."""
    return AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=attempt_id)


def open_dispute(
    transaction: ChannelTransaction,
    authorization: Authorization | None,
    *,
    dispute_reference: str,
    amount: Money | None,
    reason: DisputeReason,
    respond_within_s: int,
    contest_loses: bool,
    now: datetime,
    stage: ChannelDisputeStage = ChannelDisputeStage.CHARGEBACK,
    category: str = "",
    lose_minor: int = 0,
    above_limits: bool = False,
) -> tuple[ChannelDispute, Authorization]:
    """Hold back what a payer disputes; an amount of None is all that is left of the capture. An inquiry holds nothing.

    Raises:
        AttemptNotCaptured: The attempt captured nothing.
        CurrencyMismatch: The attempt is in another currency.
        DisputeExceedsCaptured: More is disputed than the attempt captured, or than is left of it, within limits.
    """
    if authorization is None or not transaction.captured:
        raise AttemptNotCaptured("The attempt captured nothing.", field="attempt_id", attempt_id=transaction.attempt_id)
    disputed_minor = _disputed_minor(transaction, authorization, amount, above_limits=above_limits)
    taken_minor = disputed_minor if stage is ChannelDisputeStage.CHARGEBACK else 0
    respond_by = now + timedelta(seconds=respond_within_s or RESPOND_WITHIN_S)
    opened = ChannelDispute(
        dispute_reference=dispute_reference,
        attempt_id=transaction.attempt_id,
        authorization_reference=authorization.authorization_reference,
        merchant_id=authorization.merchant_id,
        amount_minor=disputed_minor,
        currency_code=authorization.currency_code,
        related_no=transaction.related_no,
        reason=reason,
        contest_loses=contest_loses,
        respond_by=respond_by,
        callback_address=transaction.callback_address,
        correlation_id=transaction.correlation_id,
        line_date=now.date().isoformat() if taken_minor else None,
        create_time=now,
        update_time=now,
        due_time=respond_by,
        stage=stage,
        category=category,
        lose_minor=lose_minor,
        taken_minor=taken_minor,
    )
    return opened, replace(authorization, disputed_minor=authorization.disputed_minor + taken_minor)


def respond(
    dispute: ChannelDispute, authorization: Authorization, answer: DisputeResponse, *, delay_ms: int, now: datetime
) -> DisputeMove:
    """Take the merchant's answer: contested it is decided after a delay, accepted it is lost at once, and in full.

    The same answer again changes nothing.

    Raises:
        DisputeAlreadyAnswered: It was answered otherwise.
        DisputeResponseLate: The time to answer is over.
    """
    if dispute.contested is answer.contested:
        return DisputeMove(dispute, authorization, None)
    if dispute.contested is not None:
        raise DisputeAlreadyAnswered("The dispute was answered otherwise.", state=dispute.state)
    if dispute.state is not ChannelDisputeState.OPENED or now > dispute.respond_by:
        raise DisputeResponseLate("The time to answer the dispute is over.", respond_by=dispute.respond_by.isoformat())
    answered = replace(dispute, contested=answer.contested, evidence=answer.evidence, files=answer.files)
    if not answer.contested:
        return _take(answered, authorization, dispute.amount_minor, state=ChannelDisputeState.LOST, now=now)
    due_time = now + timedelta(milliseconds=delay_ms)
    contested = _changed(answered, state=ChannelDisputeState.CONTESTED, due_time=due_time, now=now)
    return DisputeMove(contested, authorization, None)


def decide(dispute: ChannelDispute, authorization: Authorization, *, now: datetime) -> DisputeMove:
    """Decide a dispute whose time has come: contested as it was to end, not answered for the payer.

    An inquiry that was answered ends, and one that was not becomes a chargeback.

    Raises:
        InvariantError: It is decided already.
    """
    if dispute.due_time is None:
        raise InvariantError(f"dispute {dispute.dispute_reference} is decided already")
    unanswered = dispute.state is ChannelDisputeState.OPENED
    if dispute.stage is ChannelDisputeStage.INQUIRY:
        if unanswered:
            return escalate(dispute, authorization, ChannelDisputeStage.CHARGEBACK, now=now)
        return _take(dispute, authorization, 0, state=ChannelDisputeState.WON, now=now)
    if unanswered or dispute.contest_loses:
        return conclude(dispute, authorization, won=False, amount=None, now=now)
    return conclude(dispute, authorization, won=True, amount=None, now=now)


def conclude(
    dispute: ChannelDispute, authorization: Authorization, *, won: bool, amount: Money | None, now: datetime
) -> DisputeMove:
    """Decide a dispute, or decide it anew: what is lost now is taken, and what was taken above it given again.

    `amount` is what is lost, or comes back; None for what it was opened to lose, and for all that is taken.

    Raises:
        CurrencyMismatch: The dispute is in another currency.
        OutcomeImpossible: It is an inquiry, or the amount is more than there is.
    """
    if dispute.stage is ChannelDisputeStage.INQUIRY:
        raise _impossible(dispute, "decide")
    if amount is not None and amount.currency_code != dispute.currency_code:
        raise CurrencyMismatch(
            f"The dispute is in {dispute.currency_code}.",
            field="amount.currency_code",
            currency_code=dispute.currency_code,
        )
    if not won:
        lost_minor = amount.amount_minor if amount else dispute.lose_minor or dispute.amount_minor
        return _take(dispute, authorization, lost_minor, state=ChannelDisputeState.LOST, now=now)
    at_stake_minor = dispute.amount_minor if dispute.due_time is not None else dispute.taken_minor
    given_minor = amount.amount_minor if amount else at_stake_minor
    if given_minor > at_stake_minor:
        raise _impossible(dispute, "give back more")
    return _take(dispute, authorization, at_stake_minor - given_minor, state=ChannelDisputeState.WON, now=now)


def escalate(
    dispute: ChannelDispute, authorization: Authorization, stage: ChannelDisputeStage, *, now: datetime
) -> DisputeMove:
    """Go on with a dispute: an inquiry to a chargeback, which takes the amount, and a decided one to pre-arbitration.

    Raises:
        OutcomeImpossible: It is at another stage, or not decided.
    """
    charges = stage is ChannelDisputeStage.CHARGEBACK and dispute.stage is ChannelDisputeStage.INQUIRY
    decided = dispute.due_time is None and dispute.stage is ChannelDisputeStage.CHARGEBACK
    if not charges and not (decided and stage is ChannelDisputeStage.PRE_ARBITRATION):
        raise _impossible(dispute, stage)
    respond_by = now + timedelta(seconds=RESPOND_WITHIN_S)
    begun = replace(dispute, stage=stage, contested=None, evidence="", files="", respond_by=respond_by)
    taken_minor = dispute.amount_minor if charges else dispute.taken_minor
    return _take(begun, authorization, taken_minor, state=ChannelDisputeState.OPENED, due_time=respond_by, now=now)


def _take(
    dispute: ChannelDispute,
    authorization: Authorization,
    taken_minor: int,
    *,
    state: ChannelDisputeState,
    now: datetime,
    due_time: datetime | None = None,
) -> DisputeMove:
    """Return a dispute with so much taken, and the line of what moved for that."""
    more_minor = taken_minor - dispute.taken_minor
    moved = replace(_changed(dispute, state=state, due_time=due_time, now=now), taken_minor=taken_minor)
    return DisputeMove(
        moved,
        replace(authorization, disputed_minor=authorization.disputed_minor + more_minor),
        _line(moved, more_minor, now) if more_minor else None,
    )


def _line(dispute: ChannelDispute, more_minor: int, now: datetime) -> ChannelLine:
    taken = more_minor > 0
    operation = events.ChannelOperation.DISPUTE if taken else events.ChannelOperation.DISPUTE_REVERSED
    return ChannelLine(
        line_id=named_id("lin", dispute.dispute_reference, operation, str(dispute.version)),
        attempt_id=dispute.attempt_id,
        channel_reference=dispute.dispute_reference,
        original_reference=None,
        operation=operation,
        merchant_id=dispute.merchant_id,
        related_no=dispute.related_no,
        amount_minor=abs(more_minor),
        currency_code=dispute.currency_code,
        fee_minor=0,
        line_date=now.date().isoformat(),
        create_time=now,
    )


def _impossible(dispute: ChannelDispute, outcome: str) -> OutcomeImpossible:
    return OutcomeImpossible(
        f"A dispute that is {dispute.state} at {dispute.stage} cannot {outcome}.", state=dispute.state, outcome=outcome
    )


def _disputed_minor(
    transaction: ChannelTransaction, authorization: Authorization, amount: Money | None, *, above_limits: bool
) -> int:
    left_minor = min(transaction.amount_minor or 0, authorization.kept_minor)
    asked = amount or Money(left_minor, authorization.currency_code)
    if asked.currency_code != authorization.currency_code:
        raise CurrencyMismatch(
            f"The attempt is in {authorization.currency_code}.",
            field="amount.currency_code",
            currency_code=authorization.currency_code,
        )
    if asked.amount_minor <= 0 or (asked.amount_minor > left_minor and not above_limits):
        raise DisputeExceedsCaptured(
            f"Only {left_minor} minor units of {authorization.currency_code} can be disputed.",
            field="amount.amount_minor",
            disputable_minor=str(left_minor),
            currency_code=authorization.currency_code,
        )
    return asked.amount_minor


def _changed(
    dispute: ChannelDispute, *, state: ChannelDisputeState, due_time: datetime | None, now: datetime
) -> ChannelDispute:
    return replace(dispute, state=state, due_time=due_time, update_time=now, version=dispute.version + 1)
