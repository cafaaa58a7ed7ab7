"""A dispute of a captured payment: the states it goes through. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions


class DisputeState(StrEnum):
    """How far a dispute has come; all but WON and LOST hold the disputed amount."""

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


def next_state(state: DisputeState, action: DisputeAction) -> DisputeState:
    """Give the state after an action.

    Raises:
        IllegalTransition: The dispute is decided, or contested already.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A dispute")
