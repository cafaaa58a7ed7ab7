"""A payer's dispute of a capture, on the acquirer's side: opened, answered or not, decided. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import CurrencyMismatch, DomainError, InvariantError, Kind
from paykit.ids import named_id
from paykit.money import Money
from paystream.channel.v1 import events
from services.channel.domain.transaction import CHANNEL, Authorization, ChannelTransaction

RESPOND_WITHIN_S = 7 * 86_400
"""How long a dispute can be answered unless it says otherwise, in seconds of business time."""


class ChannelDisputeState(StrEnum):
    """How far a dispute has come; all but WON hold the amount back."""

    OPENED = "OPENED"
    CONTESTED = "CONTESTED"
    WON = "WON"
    LOST = "LOST"


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
        contested: The answer: whether it was contested; None while there is none.
        evidence: What came with the answer.
        due_time: When it is decided unless something happens before: respond_by, then after the delay of a contest;
            None when it is decided.
        callback_address: Where it is told; empty for nowhere.
        reversal_date: Day of the line that gives the amount again, YYYY-MM-DD in UTC; None unless WON.
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
    line_date: str
    create_time: datetime
    update_time: datetime
    due_time: datetime | None
    state: ChannelDisputeState = ChannelDisputeState.OPENED
    contested: bool | None = None
    evidence: str = ""
    reversal_date: str | None = None
    version: int = 1
    creating_call: CreatingCall = NO_CALL


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
) -> tuple[ChannelDispute, Authorization]:
    """Hold back what a payer disputes; an amount of None is all that is left of the capture.

    Raises:
        AttemptNotCaptured: The attempt captured nothing.
        CurrencyMismatch: The attempt is in another currency.
        DisputeExceedsCaptured: More is disputed than the attempt captured, or than is left of it.
    """
    if authorization is None or not transaction.captured:
        raise AttemptNotCaptured("The attempt captured nothing.", field="attempt_id", attempt_id=transaction.attempt_id)
    disputed_minor = _disputed_minor(transaction, authorization, amount)
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
        line_date=now.date().isoformat(),
        create_time=now,
        update_time=now,
        due_time=respond_by,
    )
    return opened, replace(authorization, disputed_minor=authorization.disputed_minor + disputed_minor)


def respond(dispute: ChannelDispute, *, contested: bool, evidence: str, delay_ms: int, now: datetime) -> ChannelDispute:
    """Take the merchant's answer: contested it is decided after a delay, accepted it is lost at once.

    The same answer again changes nothing.

    Raises:
        DisputeAlreadyAnswered: It was answered otherwise.
        DisputeResponseLate: The time to answer is over.
    """
    if dispute.contested is contested:
        return dispute
    if dispute.contested is not None:
        raise DisputeAlreadyAnswered("The dispute was answered otherwise.", state=dispute.state)
    if dispute.state is not ChannelDisputeState.OPENED or now > dispute.respond_by:
        raise DisputeResponseLate("The time to answer the dispute is over.", respond_by=dispute.respond_by.isoformat())
    return _changed(
        replace(dispute, contested=contested, evidence=evidence),
        state=ChannelDisputeState.CONTESTED if contested else ChannelDisputeState.LOST,
        due_time=now + timedelta(milliseconds=delay_ms) if contested else None,
        now=now,
    )


def decide(
    dispute: ChannelDispute, authorization: Authorization, *, now: datetime
) -> tuple[ChannelDispute, Authorization]:
    """Decide a dispute whose time has come: contested as it was to end, not answered for the payer.

    Raises:
        InvariantError: It is decided already.
    """
    if dispute.due_time is None:
        raise InvariantError(f"dispute {dispute.dispute_reference} is decided already")
    if dispute.state is ChannelDisputeState.OPENED or dispute.contest_loses:
        return _changed(dispute, state=ChannelDisputeState.LOST, due_time=None, now=now), authorization
    won = _changed(dispute, state=ChannelDisputeState.WON, due_time=None, now=now)
    released = replace(authorization, disputed_minor=authorization.disputed_minor - dispute.amount_minor)
    return replace(won, reversal_date=now.date().isoformat()), released


def statement_line(dispute: ChannelDispute) -> events.ChannelTransactionReported:
    """Write the statement line of the amount held back, or of the amount given again once the dispute is won."""
    won = dispute.state is ChannelDisputeState.WON
    operation = events.ChannelOperation.DISPUTE_REVERSED if won else events.ChannelOperation.DISPUTE
    return events.ChannelTransactionReported(
        occurred_at=dispute.update_time,
        merchant_id=dispute.merchant_id,
        aggregate_version=dispute.version,
        channel=CHANNEL,
        channel_reference=dispute.dispute_reference,
        line_id=named_id("lin", dispute.dispute_reference, operation),
        operation=operation,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=dispute.related_no,
        original_channel_reference=None,
        amount_minor=dispute.amount_minor,
        currency_code=dispute.currency_code,
        channel_fee_minor=0,
        line_date=dispute.reversal_date or dispute.line_date,
    )


def _disputed_minor(transaction: ChannelTransaction, authorization: Authorization, amount: Money | None) -> int:
    left_minor = min(transaction.amount_minor or 0, authorization.kept_minor)
    asked = amount or Money(left_minor, authorization.currency_code)
    if asked.currency_code != authorization.currency_code:
        raise CurrencyMismatch(
            f"The attempt is in {authorization.currency_code}.",
            field="amount.currency_code",
            currency_code=authorization.currency_code,
        )
    if not 0 < asked.amount_minor <= left_minor:
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
