"""What is said of an attempt after it was decided: done after all, undone, returned, done a second time. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from paykit.errors import CurrencyMismatch, DomainError, Kind
from paykit.ids import named_id
from paykit.money import Money
from paystream.channel.v1 import events
from services.channel.domain import line, payer_action, transaction
from services.channel.domain.behaviour import Aftereffect, Behaviour, Decision
from services.channel.domain.instruction import MONEY_IN, Action
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import Authorization, ChannelTransaction

BANK_FEE_MINOR = 1_500
"""What the bank keeps of a payout that comes back short, in minor units."""
UNDONE_CODE = "reversed"
"""The decline code of what failed after all."""


class LateOutcome(StrEnum):
    """What is said: approved or declined after all, a payout returned, or approved a second time."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    RETURNED = "RETURNED"
    APPROVED_AGAIN = "APPROVED_AGAIN"


class OutcomeImpossible(DomainError):
    """The attempt stands so already, or what is said of it cannot be; metadata says how it stands."""

    kind = Kind.FAILED_PRECONDITION
    reason = "OUTCOME_IMPOSSIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateWord:
    """A late outcome; an amount of None is the attempt's own."""

    outcome: LateOutcome
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """An attempt after a late word.

    Attributes:
        authorization: The authorization that it is about; None where there is none.
        again: The authorization that a second approval made; None otherwise.
        line: Of the money that this moved; None where the attempt's own first line tells it, or none moved.
    """

    transaction: ChannelTransaction
    authorization: Authorization | None
    again: Authorization | None = None
    line: ChannelLine | None = None


def word_of(transaction: ChannelTransaction, aftereffect: Aftereffect) -> LateWord | None:
    """Return what an aftereffect says of an approved attempt; None for a dispute, which is no outcome."""
    if aftereffect is Aftereffect.UNDONE:
        return LateWord(outcome=LateOutcome.DECLINED)
    if aftereffect is Aftereffect.APPROVED_AGAIN:
        return LateWord(outcome=LateOutcome.APPROVED_AGAIN)
    if aftereffect is Aftereffect.RETURN:
        return LateWord(outcome=LateOutcome.RETURNED)
    if aftereffect is Aftereffect.RETURN_SHORT:
        amount = Money((transaction.amount_minor or 0) - BANK_FEE_MINOR, transaction.currency_code or "")
        return LateWord(outcome=LateOutcome.RETURNED, amount=amount)
    return None


def has_aftereffect(transaction: ChannelTransaction, aftereffect: Aftereffect) -> bool:
    """Return whether an aftereffect can follow."""
    match aftereffect:
        case Aftereffect.RETURN | Aftereffect.RETURN_SHORT:
            return transaction.captured and transaction.action is Action.PAY
        case Aftereffect.UNDONE:
            return transaction.outcome is Decision.APPROVED
        case Aftereffect.APPROVED_AGAIN:
            return transaction.outcome is Decision.APPROVED and transaction.action is not Action.CANCEL
        case _:
            return transaction.captured and transaction.action in MONEY_IN


def turn(
    recorded: ChannelTransaction,
    authorization: Authorization | None,
    word: LateWord,
    *,
    behaviour: Behaviour,
    now: datetime,
) -> Turned:
    """Change an attempt by a late word; no limit of the acquirer's holds for it.

    Raises:
        OutcomeImpossible: The attempt stands so already, or what is said of it cannot be.
        CurrencyMismatch: The amount is in another currency.
    """
    amount_minor = _amount_minor(recorded, word)
    match word.outcome:
        case LateOutcome.APPROVED:
            return _approve(recorded, authorization, amount_minor, behaviour=behaviour, now=now)
        case LateOutcome.DECLINED:
            return _decline(recorded, authorization, now=now)
        case LateOutcome.RETURNED:
            return _return(recorded, amount_minor, now=now)
        case LateOutcome.APPROVED_AGAIN:
            return _approve_again(recorded, authorization, amount_minor, behaviour=behaviour, now=now)


def _approve(
    recorded: ChannelTransaction,
    authorization: Authorization | None,
    amount_minor: int | None,
    *,
    behaviour: Behaviour,
    now: datetime,
) -> Turned:
    """Approve what was not.

    What had moved its money before, and was undone or returned, cannot be: under the same reference nobody could tell
    that from the first approval told once more.
    """
    if recorded.outcome is Decision.APPROVED or recorded.line_date is not None:
        raise _impossible(recorded, LateOutcome.APPROVED)
    decided, counted = transaction.decide(
        recorded,
        authorization,
        outcome=Decision.APPROVED,
        amount_minor=amount_minor,
        fee_minor=transaction.fee_of(amount_minor or 0, behaviour) if _captures(recorded) else None,
        now=now,
    )
    return Turned(transaction=decided, authorization=counted)


def _decline(recorded: ChannelTransaction, authorization: Authorization | None, *, now: datetime) -> Turned:
    """Undo what was approved, or decide what was open."""
    if (recorded.outcome is Decision.DECLINED and recorded.later is None) or recorded.return_time is not None:
        raise _impossible(recorded, LateOutcome.DECLINED)
    code = payer_action.REFUSED if recorded.awaits_payer else UNDONE_CODE
    decided, counted = transaction.decide(
        recorded, authorization, outcome=Decision.DECLINED, decline_code=code, now=now
    )
    if counted is not None and recorded.action is Action.CANCEL:
        counted = replace(counted, cancel_undone=True)
    back = _line(decided, _OPPOSITE[decided.action], reference=_reference_back(decided), now=now)
    return Turned(transaction=decided, authorization=counted, line=back if recorded.captured else None)


def _return(recorded: ChannelTransaction, amount_minor: int | None, *, now: datetime) -> Turned:
    """Send an approved payout back, whole or short."""
    returns = recorded.action is Action.PAY and recorded.captured and recorded.return_time is None
    if not returns or not amount_minor or amount_minor > (recorded.amount_minor or 0):
        raise _impossible(recorded, LateOutcome.RETURNED)
    returned = replace(
        recorded, return_time=now, returned_minor=amount_minor, update_time=now, version=recorded.version + 1
    )
    back = _line(
        returned,
        events.ChannelOperation.RETURN,
        reference=_reference_back(returned),
        amount_minor=amount_minor,
        now=now,
    )
    return Turned(transaction=returned, authorization=None, line=back)


def _approve_again(
    recorded: ChannelTransaction,
    authorization: Authorization | None,
    amount_minor: int | None,
    *,
    behaviour: Behaviour,
    now: datetime,
) -> Turned:
    """Do what was done a second time; money that comes in twice is an authorization of its own."""
    done = recorded.outcome is Decision.APPROVED or recorded.line_date is not None
    if not done or recorded.second_reference or not amount_minor or recorded.action is Action.CANCEL:
        raise _impossible(recorded, LateOutcome.APPROVED_AGAIN)
    reference = named_id("chn", recorded.attempt_id, "AGAIN")
    twice = replace(
        recorded,
        second_reference=reference,
        second_minor=amount_minor,
        update_time=now,
        version=recorded.version + 1,
    )
    fee_minor = transaction.fee_of(amount_minor, behaviour) if _captures(recorded) else 0
    second = _line(
        twice,
        line.operation_of(twice),
        reference=reference,
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        now=now,
    )
    refunds = recorded.action is Action.REFUND and authorization is not None
    return Turned(
        transaction=twice,
        authorization=_refunded(authorization, amount_minor) if refunds else authorization,
        again=_authorized_again(twice, reference, amount_minor) if recorded.action in MONEY_IN else None,
        line=second,
    )


def _authorized_again(recorded: ChannelTransaction, reference: str, amount_minor: int) -> Authorization:
    captured_minor = amount_minor if recorded.moves_money else 0
    return Authorization(
        authorization_reference=reference,
        merchant_id=recorded.merchant_id or "",
        amount_minor=amount_minor,
        currency_code=recorded.currency_code or "",
        status=Decision.APPROVED,
        taken_minor=captured_minor,
        captured_minor=captured_minor,
    )


def _refunded(authorization: Authorization | None, amount_minor: int) -> Authorization | None:
    return authorization and replace(authorization, refunded_minor=authorization.refunded_minor + amount_minor)


def _line(
    recorded: ChannelTransaction,
    operation: events.ChannelOperation,
    *,
    reference: str,
    now: datetime,
    amount_minor: int | None = None,
    fee_minor: int = 0,
) -> ChannelLine | None:
    """Write a line; None for what moves no money. The acquirer keeps its fee of what it takes back."""
    if not recorded.moves_money:
        return None
    takes_back = operation in _OPPOSITE.values()
    about = recorded.channel_reference if takes_back else recorded.authorization_reference
    return line.later_line(
        recorded,
        operation,
        reference=reference,
        original_reference=about if takes_back or recorded.action is Action.REFUND else None,
        amount_minor=amount_minor or recorded.amount_minor or 0,
        fee_minor=fee_minor,
        now=now,
    )


def _amount_minor(recorded: ChannelTransaction, word: LateWord) -> int | None:
    if word.amount is None:
        return recorded.amount_minor
    if word.amount.currency_code != recorded.currency_code:
        raise CurrencyMismatch(
            f"The attempt is in {recorded.currency_code}.",
            field="amount.currency_code",
            currency_code=recorded.currency_code or "",
        )
    return word.amount.amount_minor


def _captures(recorded: ChannelTransaction) -> bool:
    return recorded.moves_money and recorded.action in MONEY_IN


def _reference_back(recorded: ChannelTransaction) -> str:
    return named_id("chn", recorded.attempt_id, "BACK", str(recorded.version))


def _impossible(recorded: ChannelTransaction, outcome: LateOutcome) -> OutcomeImpossible:
    state = "RETURNED" if recorded.return_time else recorded.outcome
    return OutcomeImpossible(f"An attempt that is {state} cannot become {outcome}.", state=state, outcome=outcome)


_OPPOSITE = {
    Action.AUTHORIZE: events.ChannelOperation.CAPTURE_REVERSED,
    Action.CAPTURE: events.ChannelOperation.CAPTURE_REVERSED,
    Action.CANCEL: events.ChannelOperation.CANCEL,
    Action.REFUND: events.ChannelOperation.REFUND_RETURNED,
    Action.PAY: events.ChannelOperation.RETURN,
}
"""What a statement calls the money that goes the other way; cancelling moves none."""
