"""The states of a withdrawal, and which follows from what. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions


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
    CANCELLED = "CANCELLED"


CONCLUDED = frozenset(
    {
        WithdrawalState.COMPLETED,
        WithdrawalState.RETURNED,
        WithdrawalState.FAILED,
        WithdrawalState.REJECTED,
        WithdrawalState.CANCELLED,
    }
)
"""States that are an outcome."""


class WithdrawalAction(StrEnum):
    """What can happen to a withdrawal; HOLD and REFUSE are the ledger's."""

    HOLD = "HOLD"
    REFUSE = "REFUSE"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    CANCEL = "CANCEL"
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
        (_S.HELD, _A.CANCEL): _S.CANCELLED,
        (_S.APPROVED, _A.CANCEL): _S.CANCELLED,
        (_S.APPROVED, _A.SUBMIT): _S.SUBMITTED,
        # It was never handed over: where it is to go takes nothing any more.
        (_S.APPROVED, _A.FAIL): _S.FAILED,
        (_S.SUBMITTED, _A.COMPLETE): _S.COMPLETED,
        (_S.SUBMITTED, _A.FAIL): _S.FAILED,
        (_S.SUBMITTED, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.UNKNOWN, _A.COMPLETE): _S.COMPLETED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
        (_S.COMPLETED, _A.RETURN): _S.RETURNED,
    }
)
"""The state after an action; a pair that is missing is illegal."""

UNPAID = frozenset({_S.REJECTED, _S.CANCELLED, _S.FAILED})
"""States in which a withdrawal has ended without moving money."""


def next_state(state: WithdrawalState, action: WithdrawalAction) -> WithdrawalState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A withdrawal")
