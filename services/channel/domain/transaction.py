"""The acquirer's books: what an attempt does to an authorization, and what later becomes of it. Pure.

An approved amount and one that may still be approved count alike in every limit, so a late approval always has room.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from paykit.errors import DomainError, InvariantError, Kind
from paykit.ids import named_id
from paystream.channel.v1 import events
from services.channel.domain.behaviour import BASIS_POINTS, Aftereffect, Behaviour, Decision, Scenario

CHANNEL = "simulator"
"""The name of this channel in events."""


class Action(StrEnum):
    """What was asked of the channel."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    PAY = "PAY"


class AttemptIdReused(DomainError):
    """The attempt id was used before for something else."""

    kind = Kind.ALREADY_EXISTS
    reason = "ATTEMPT_ID_REUSED"


class ChannelTimeout(DomainError):
    """The channel does not answer; the caller cannot know whether it did what was asked."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "CHANNEL_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a caller asks for.

    Attributes:
        merchant_id: For an authorization or payment; the others take their authorization's.
        amount_minor: None for a cancellation, as is the currency.
        authorization_reference: For a capture, cancellation or refund.
        token: The payment method or destination.
        capture: Whether an authorization is captured at once.
        related_no: What the caller calls the money that moves.
        callback_address: Where late results are told; empty for the behaviour's address.
        correlation_id: The journey it belongs to; empty for the call's.
    """

    attempt_id: str
    action: Action
    merchant_id: str | None = None
    amount_minor: int | None = None
    currency_code: str | None = None
    authorization_reference: str | None = None
    token: str = ""
    capture: bool = False
    related_no: str | None = None
    callback_address: str = ""
    correlation_id: str = ""

    @property
    def moves_money(self) -> bool:
        """Return whether approval moves money; reserving it and giving it free again do not."""
        return self.capture or self.action in {Action.CAPTURE, Action.REFUND, Action.PAY}

    def fingerprint(self) -> bytes:
        """Digest what makes a repetition the same: everything but the journey and where to call back."""
        said = (self.action, self.merchant_id, self.amount_minor, self.currency_code, self.authorization_reference)
        return hashlib.sha256(repr((*said, self.token, self.capture, self.related_no)).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """How much of an authorized amount is used.

    Attributes:
        taken_minor: Captured, or may still be by a pending capture.
        captured_minor: Captured.
        refunded_minor: Refunded, or may still be by a pending refund.
        disputed_minor: Held back by disputes, or lost in them.
    """

    authorization_reference: str
    merchant_id: str
    amount_minor: int
    currency_code: str
    status: Decision
    cancelled: bool = False
    taken_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0

    @property
    def kept_minor(self) -> int:
        """Return what of the captured amount neither went back nor is held back."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTransaction:
    """One attempt on the channel's record.

    Attributes:
        moves_money: Whether approval moves money.
        fee_minor: What the channel charges if it is approved.
        wrong_fee_minor: What the statement line charges too much.
        later: What will be decided at resolve_time, if anything is open.
        callbacks: How often the final result is called back.
        fingerprint: Digest of the instruction, by which a repetition is told from another instruction.
        line_date: Day of its statement line, YYYY-MM-DD in UTC; None while it has none.
        return_time: When an approved payout came back; None while it has not.
        version: From 1, one more with every change.
    """

    attempt_id: str
    action: Action
    channel_reference: str
    merchant_id: str | None
    amount_minor: int | None
    currency_code: str | None
    authorization_reference: str | None
    related_no: str | None
    outcome: Decision
    decline_code: str
    moves_money: bool
    fee_minor: int
    wrong_fee_minor: int
    later: Decision | None
    resolve_time: datetime | None
    callbacks: int
    callback_address: str
    correlation_id: str
    fingerprint: bytes
    create_time: datetime
    update_time: datetime
    line_date: str | None
    version: int
    return_time: datetime | None = None

    @property
    def captured(self) -> bool:
        """Return whether money moved."""
        return self.moves_money and self.outcome is Decision.APPROVED

    @property
    def channel_fee_minor(self) -> int:
        """Return what the channel charged so far."""
        return self.fee_minor if self.captured else 0


def channel_reference(attempt_id: str) -> str:
    """Return the channel's reference of an attempt; it follows from the attempt, so that a repetition has the same."""
    return named_id("chn", attempt_id)


def authorization_of(transaction: ChannelTransaction) -> str | None:
    """Name the authorization that a transaction is about: its own, for an authorization; none, for a payout."""
    authorizes = transaction.action is Action.AUTHORIZE
    return transaction.channel_reference if authorizes else transaction.authorization_reference


def record(
    instruction: Instruction,
    authorization: Authorization | None,
    *,
    scenario: Scenario,
    behaviour: Behaviour,
    correlation_id: str,
    now: datetime,
) -> tuple[ChannelTransaction, Authorization | None]:
    """Take an attempt on record: the acquirer's rules first, then its scenario, which must be one that is applied.

    `authorization` is the locked one that is named: None for an authorization, a payment and an unknown one.

    Returns:
        The transaction, and the authorization after it (None if there is none).
    """
    refusal = _refusal(instruction, authorization)
    if refusal:
        scenario = replace(scenario, outcome=Decision.DECLINED, decline_code=refusal, later=None, callbacks=0)
    cancelled = authorization if instruction.action is Action.CANCEL and not refusal else None
    later_at = now + timedelta(milliseconds=behaviour.callback_delay_ms)
    transaction = ChannelTransaction(
        attempt_id=instruction.attempt_id,
        action=instruction.action,
        channel_reference=channel_reference(instruction.attempt_id),
        merchant_id=authorization.merchant_id if authorization else instruction.merchant_id,
        amount_minor=cancelled.amount_minor - cancelled.taken_minor if cancelled else instruction.amount_minor,
        currency_code=cancelled.currency_code if cancelled else instruction.currency_code,
        authorization_reference=instruction.authorization_reference,
        related_no=instruction.related_no,
        outcome=scenario.outcome,
        decline_code=scenario.decline_code,
        moves_money=instruction.moves_money,
        fee_minor=_fee(instruction, behaviour),
        wrong_fee_minor=scenario.wrong_fee_minor,
        later=scenario.later,
        resolve_time=later_at if scenario.later else None,
        callbacks=scenario.callbacks,
        callback_address=instruction.callback_address or behaviour.callback_address,
        correlation_id=correlation_id,
        fingerprint=instruction.fingerprint(),
        create_time=now,
        update_time=now,
        line_date=None,
        version=1,
    )
    return _dated(transaction, now), _recorded(instruction, transaction, authorization)


def has_aftereffect(transaction: ChannelTransaction, aftereffect: Aftereffect) -> bool:
    """Return whether a aftereffect can follow: a return to an approved payout, a dispute to an approved capture."""
    paid_out, captures = transaction.action is Action.PAY, transaction.action in {Action.AUTHORIZE, Action.CAPTURE}
    return transaction.captured and (paid_out if aftereffect is Aftereffect.RETURN else captures)


def resolve(
    transaction: ChannelTransaction, authorization: Authorization | None, *, now: datetime
) -> tuple[ChannelTransaction, Authorization | None]:
    """Decide what was left open.

    Raises:
        InvariantError: Nothing was open.
    """
    if transaction.later is None:
        raise InvariantError(f"{transaction.attempt_id} has nothing open")
    declined = transaction.later is Decision.DECLINED
    decided = replace(
        transaction,
        outcome=transaction.later,
        decline_code="do_not_honor" if declined else "",
        later=None,
        resolve_time=None,
        update_time=now,
        version=transaction.version + 1,
    )
    return _dated(decided, now), _resolved(decided, authorization)


def statement_line(transaction: ChannelTransaction) -> events.ChannelTransactionReported:
    """Write the statement line of money that moved.

    Raises:
        InvariantError: No money moved.
    """
    if transaction.line_date is None or transaction.amount_minor is None or transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} moved no money")
    capture = transaction.action is Action.AUTHORIZE
    return events.ChannelTransactionReported(
        occurred_at=transaction.update_time,
        merchant_id=transaction.merchant_id,
        aggregate_version=transaction.version,
        channel=CHANNEL,
        channel_reference=transaction.channel_reference,
        line_id=named_id("lin", transaction.channel_reference),
        operation=events.ChannelOperation.CAPTURE if capture else events.ChannelOperation(transaction.action),
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=transaction.related_no,
        original_channel_reference=transaction.authorization_reference if transaction.action is Action.REFUND else None,
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        channel_fee_minor=transaction.fee_minor + transaction.wrong_fee_minor,
        line_date=transaction.line_date,
    )


def _refusal(instruction: Instruction, authorization: Authorization | None) -> str:
    """Return the decline code of an instruction that breaks a rule of the acquirer; empty for one that breaks none."""
    if instruction.action in {Action.AUTHORIZE, Action.PAY}:
        return ""
    if authorization is None:
        return "authorization_unknown"
    if authorization.status is not Decision.APPROVED:
        return "authorization_not_approved"
    if instruction.currency_code not in {None, authorization.currency_code}:
        return "currency_mismatch"
    return _amount_refusal(instruction, authorization)


def _amount_refusal(instruction: Instruction, authorization: Authorization) -> str:
    amount_minor = instruction.amount_minor or 0
    if instruction.action is Action.REFUND:
        return "refund_exceeds_captured" if amount_minor > authorization.kept_minor else ""
    if authorization.cancelled:
        return "authorization_cancelled"
    left_minor = authorization.amount_minor - authorization.taken_minor
    if instruction.action is Action.CANCEL:
        return "" if left_minor else "already_captured"
    return "capture_exceeds_authorized" if amount_minor > left_minor else ""


def _fee(instruction: Instruction, behaviour: Behaviour) -> int:
    if instruction.amount_minor is None or not (instruction.capture or instruction.action is Action.CAPTURE):
        return 0
    return (instruction.amount_minor * behaviour.fee_basis_points + BASIS_POINTS // 2) // BASIS_POINTS


def _dated(transaction: ChannelTransaction, now: datetime) -> ChannelTransaction:
    return replace(transaction, line_date=now.date().isoformat()) if transaction.captured else transaction


def _recorded(
    instruction: Instruction, transaction: ChannelTransaction, authorization: Authorization | None
) -> Authorization | None:
    """Return the authorization after an attempt was taken on record."""
    amount_minor = instruction.amount_minor or 0
    stands = transaction.outcome is not Decision.DECLINED or transaction.later is Decision.APPROVED
    if instruction.action is Action.AUTHORIZE:
        taken_minor = amount_minor if instruction.capture and stands else 0
        return Authorization(
            authorization_reference=transaction.channel_reference,
            merchant_id=instruction.merchant_id or "",
            amount_minor=amount_minor,
            currency_code=instruction.currency_code or "",
            status=transaction.outcome,
            taken_minor=taken_minor,
            captured_minor=taken_minor if transaction.captured else 0,
        )
    if authorization is None or not stands:
        return authorization
    if instruction.action is Action.CANCEL:
        return replace(authorization, cancelled=True)
    if instruction.action is Action.REFUND:
        return replace(authorization, refunded_minor=authorization.refunded_minor + amount_minor)
    captured_minor = amount_minor if transaction.captured else 0
    return replace(
        authorization,
        taken_minor=authorization.taken_minor + amount_minor,
        captured_minor=authorization.captured_minor + captured_minor,
    )


def _resolved(transaction: ChannelTransaction, authorization: Authorization | None) -> Authorization | None:
    """Return the authorization after an open attempt was decided; its amount was counted before."""
    if authorization is None:
        return None
    amount_minor = transaction.amount_minor or 0
    if transaction.action is Action.AUTHORIZE:
        authorization = replace(authorization, status=transaction.outcome)
    if not transaction.moves_money:
        return authorization
    approved = transaction.outcome is Decision.APPROVED
    if transaction.action is Action.REFUND:
        given_back_minor = 0 if approved else amount_minor
        return replace(authorization, refunded_minor=authorization.refunded_minor - given_back_minor)
    if approved:
        return replace(authorization, captured_minor=authorization.captured_minor + amount_minor)
    return replace(authorization, taken_minor=authorization.taken_minor - amount_minor)
