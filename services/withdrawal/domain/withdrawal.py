"""A withdrawal: its states, what may happen in each, and the events that say so. Pure: `now` and ids are arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from paykit import transitions
from paykit.clock import no_earlier
from paykit.errors import DomainError, IllegalTransition, Kind
from paystream.withdrawal.v1 import events


class WithdrawalState(StrEnum):
    """How far a withdrawal has come; UNKNOWN is a call without an answer and ends only by evidence."""

    CREATED = "CREATED"
    HELD = "HELD"
    APPROVED = "APPROVED"
    SUBMITTED = "SUBMITTED"
    COMPLETED = "COMPLETED"
    RETURNED = "RETURNED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    REJECTED = "REJECTED"


class WithdrawalAction(StrEnum):
    """What can happen to a withdrawal; HOLD and REFUSE are the ledger's."""

    HOLD = "HOLD"
    REFUSE = "REFUSE"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    SUBMIT = "SUBMIT"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    LOSE_ANSWER = "LOSE_ANSWER"
    RETURN = "RETURN"


_S, _A = WithdrawalState, WithdrawalAction

TRANSITIONS: Mapping[tuple[WithdrawalState, WithdrawalAction], WithdrawalState] = MappingProxyType(
    {
        (_S.CREATED, _A.HOLD): _S.HELD,
        (_S.CREATED, _A.REFUSE): _S.FAILED,
        (_S.HELD, _A.APPROVE): _S.APPROVED,
        (_S.HELD, _A.REJECT): _S.REJECTED,
        (_S.APPROVED, _A.SUBMIT): _S.SUBMITTED,
        (_S.SUBMITTED, _A.COMPLETE): _S.COMPLETED,
        (_S.SUBMITTED, _A.FAIL): _S.FAILED,
        (_S.SUBMITTED, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.UNKNOWN, _A.COMPLETE): _S.COMPLETED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
        (_S.COMPLETED, _A.RETURN): _S.RETURNED,
    }
)
"""The state after an action; a pair that is missing is illegal."""

GIVEN_BACK = frozenset({_S.REJECTED, _S.FAILED, _S.RETURNED})
"""States in which the amount can be withdrawn again."""


class WithdrawalNotFound(DomainError):
    """No withdrawal has this id."""

    kind = Kind.NOT_FOUND
    reason = "WITHDRAWAL_NOT_FOUND"


class SamePerson(DomainError):
    """Who decides on a withdrawal must have a name, and be another than who created it."""

    kind = Kind.PERMISSION_DENIED
    reason = "SAME_PERSON"


class NotHeldYet(IllegalTransition):
    """The ledger has not booked the hold yet; a caller may wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal; the amount is in minor units of `currency_code`.

    Attributes:
        destination_token: The bank account's, as it was when the withdrawal was created.
        requester: The caller who created it.
        decider: The caller who approved or rejected it; None where nobody has, or nobody had to.
        funds_held: Whether the ledger has booked the hold; stays true when it was released.
        channel: None before it is approved.
        failure_reason: Set exactly while FAILED.
        contradicted: Whether evidence says the opposite of the state.
        correlation_id: The journey that all events of the withdrawal carry.
        aggregate_version: From 1, +1 with every event.
    """

    withdrawal_id: str
    merchant_id: str
    bank_account_id: str
    destination_token: str
    amount_minor: int
    currency_code: str
    approval_required: bool
    requester: str
    correlation_id: str
    create_time: datetime
    update_time: datetime
    state: WithdrawalState = WithdrawalState.CREATED
    decider: str | None = None
    funds_held: bool = False
    channel: str | None = None
    channel_reference: str | None = None
    failure_reason: str | None = None
    failure_code: str | None = None
    return_code: str | None = None
    contradicted: bool = False
    aggregate_version: int = 1


def next_state(state: WithdrawalState, action: WithdrawalAction) -> WithdrawalState:
    """Give the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A withdrawal")


def require_decidable(withdrawal: Withdrawal, action: WithdrawalAction, *, decider: str | None) -> None:
    """Check that someone may approve or reject a withdrawal now.

    Args:
        withdrawal: The one to decide on.
        action: APPROVE or REJECT.
        decider: The caller's name; None for one without a name.

    Raises:
        SamePerson: The caller created it, or has no name.
        NotHeldYet: The ledger has not booked the hold yet.
        IllegalTransition: It does not wait for a decision.
    """
    if decider is None or decider == withdrawal.requester:
        raise SamePerson("Another person than the requester decides, by name.", requester=withdrawal.requester)
    if withdrawal.state is WithdrawalState.CREATED and withdrawal.approval_required:
        raise NotHeldYet("The ledger has not held the amount yet.", state=withdrawal.state, action=action)
    next_state(withdrawal.state, action)


def not_found(withdrawal_id: str) -> WithdrawalNotFound:
    """Say that there is no such withdrawal."""
    return WithdrawalNotFound("No withdrawal has this id.", field="withdrawal_id", withdrawal_id=withdrawal_id)


def created(withdrawal: Withdrawal) -> events.WithdrawalCreated:
    """Give the event of a withdrawal just made."""
    return events.WithdrawalCreated(**_about(withdrawal), approval_required=withdrawal.approval_required)


def hold(withdrawal: Withdrawal, *, now: datetime) -> Withdrawal:
    """Record that the ledger holds the amount; no event tells, as the ledger's own does.

    Raises:
        IllegalTransition: The withdrawal has failed.
    """
    state = next_state(withdrawal.state, WithdrawalAction.HOLD)
    return _noted(withdrawal, now, state=state, funds_held=True)


def refuse(withdrawal: Withdrawal, *, reason: str, now: datetime) -> tuple[Withdrawal, events.WithdrawalFailed]:
    """Record that the ledger would not hold the amount.

    Raises:
        IllegalTransition: It holds the amount.
    """
    after = _changed(withdrawal, WithdrawalAction.REFUSE, now, failure_reason=reason)
    return after, _failed(after)


def approve(
    withdrawal: Withdrawal, *, decider: str | None, channel: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalApproved]:
    """Let a withdrawal go to the bank; a decider of None is nobody, where nobody has to decide.

    Raises:
        IllegalTransition: The ledger does not hold the amount, or it was decided on before.
    """
    after = _changed(withdrawal, WithdrawalAction.APPROVE, now, decider=decider, channel=channel)
    return after, events.WithdrawalApproved(**_about(after), automatic=decider is None)


def reject(withdrawal: Withdrawal, *, decider: str, now: datetime) -> tuple[Withdrawal, events.WithdrawalRejected]:
    """Refuse a withdrawal.

    Raises:
        IllegalTransition: It does not wait for a decision.
    """
    after = _changed(withdrawal, WithdrawalAction.REJECT, now, decider=decider)
    return after, events.WithdrawalRejected(**_about(after))


def submit(withdrawal: Withdrawal, *, attempt_id: str, now: datetime) -> tuple[Withdrawal, events.WithdrawalSubmitted]:
    """Record that a withdrawal is being handed to the bank.

    Raises:
        IllegalTransition: It is not approved, or was handed over before.
    """
    after = _changed(withdrawal, WithdrawalAction.SUBMIT, now)
    return after, events.WithdrawalSubmitted(**_about(after), channel=str(after.channel), attempt_id=attempt_id)


def complete(
    withdrawal: Withdrawal, *, channel_reference: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalCompleted]:
    """Record that the bank has paid.

    Raises:
        IllegalTransition: It was not handed to the bank, or has ended.
    """
    after = _changed(withdrawal, WithdrawalAction.COMPLETE, now, channel_reference=channel_reference)
    return after, events.WithdrawalCompleted(
        **_about(after), channel=str(after.channel), channel_reference=channel_reference
    )


def fail(
    withdrawal: Withdrawal, *, reason: str, code: str | None, channel_reference: str | None, now: datetime
) -> tuple[Withdrawal, events.WithdrawalFailed]:
    """Record that the bank has not paid and will not.

    Raises:
        IllegalTransition: It was not handed to the bank, or has ended.
    """
    after = _changed(
        withdrawal,
        WithdrawalAction.FAIL,
        now,
        failure_reason=reason,
        failure_code=code,
        channel_reference=channel_reference or withdrawal.channel_reference,
    )
    return after, _failed(after)


def lose_answer(withdrawal: Withdrawal, *, channel_reference: str | None, now: datetime) -> Withdrawal:
    """Record that the bank's answer is missing; no event tells, as nothing is known.

    Raises:
        IllegalTransition: It was not handed to the bank, or has ended.
    """
    return _noted(
        withdrawal,
        now,
        state=next_state(withdrawal.state, WithdrawalAction.LOSE_ANSWER),
        channel_reference=channel_reference or withdrawal.channel_reference,
    )


def send_back(
    withdrawal: Withdrawal, *, code: str | None, now: datetime
) -> tuple[Withdrawal, events.WithdrawalReturned]:
    """Record that the bank gave the money back.

    Raises:
        IllegalTransition: It has not paid, or gave it back before.
    """
    after = _changed(withdrawal, WithdrawalAction.RETURN, now, return_code=code)
    return after, events.WithdrawalReturned(
        **_about(after),
        channel=str(after.channel),
        channel_reference=str(after.channel_reference),
        return_code=code,
    )


def contradict(withdrawal: Withdrawal, *, now: datetime) -> Withdrawal:
    """Mark that evidence says the opposite of what is recorded; nothing else changes."""
    return _noted(withdrawal, now, contradicted=True)


def _changed(withdrawal: Withdrawal, action: WithdrawalAction, now: datetime, **changes: Any) -> Withdrawal:
    """Give the withdrawal after an action that an event tells of."""
    state, version = next_state(withdrawal.state, action), withdrawal.aggregate_version + 1
    return _noted(withdrawal, now, state=state, aggregate_version=version, **changes)


def _noted(withdrawal: Withdrawal, now: datetime, **changes: Any) -> Withdrawal:
    """Give the withdrawal after a change, whether or not an event tells of it."""
    return replace(withdrawal, update_time=no_earlier(now, withdrawal.update_time), **changes)


def _failed(after: Withdrawal) -> events.WithdrawalFailed:
    return events.WithdrawalFailed(
        **_about(after),
        funds_held=after.funds_held,
        reason=str(after.failure_reason),
        failure_code=after.failure_code,
        channel_reference=after.channel_reference,
    )


def _about(withdrawal: Withdrawal) -> dict[str, Any]:
    """Give the fields that all events of a withdrawal share."""
    return {
        "occurred_at": withdrawal.update_time,
        "merchant_id": withdrawal.merchant_id,
        "correlation_id": withdrawal.correlation_id,
        "aggregate_version": withdrawal.aggregate_version,
        "withdrawal_id": withdrawal.withdrawal_id,
        "bank_account_id": withdrawal.bank_account_id,
        "amount_minor": withdrawal.amount_minor,
        "currency_code": withdrawal.currency_code,
    }
