"""The states of a settlement, and what may happen in each."""

from enum import StrEnum
from types import MappingProxyType

from paykit import transitions


class SettlementState(StrEnum):
    """How far a settlement has come."""

    PENDING = "PENDING"
    CREATED = "CREATED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CARRIED = "CARRIED"


class SettlementAction(StrEnum):
    """What is to happen to a settlement."""

    COLLECT = "collect"
    CLOSE = "close"
    CARRY = "carry"
    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE_RESERVE = "release_reserve"
    CONSUME_RESERVE = "consume_reserve"
    EXTEND_RESERVE = "extend_reserve"
    EXPORT = "export"


TRANSITIONS = MappingProxyType(
    {
        (SettlementState.PENDING, SettlementAction.COLLECT): SettlementState.PENDING,
        (SettlementState.PENDING, SettlementAction.CLOSE): SettlementState.CREATED,
        (SettlementState.PENDING, SettlementAction.CARRY): SettlementState.CARRIED,
        (SettlementState.CREATED, SettlementAction.COMPLETE): SettlementState.COMPLETED,
        (SettlementState.CREATED, SettlementAction.FAIL): SettlementState.FAILED,
        (SettlementState.CREATED, SettlementAction.EXPORT): SettlementState.CREATED,
        (SettlementState.COMPLETED, SettlementAction.RELEASE_RESERVE): SettlementState.COMPLETED,
        (SettlementState.COMPLETED, SettlementAction.CONSUME_RESERVE): SettlementState.COMPLETED,
        (SettlementState.COMPLETED, SettlementAction.EXTEND_RESERVE): SettlementState.COMPLETED,
        (SettlementState.COMPLETED, SettlementAction.EXPORT): SettlementState.COMPLETED,
    }
)
"""The state after each legal action; a pair that is missing is illegal."""


def next_state(state: SettlementState, action: SettlementAction) -> SettlementState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A settlement")
