"""What a state machine says about an action: the state after it, or a refusal that names both."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from paykit.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


def next_state(transitions: Mapping[tuple[S, A], S], state: S, action: A, *, what: str) -> S:
    """Return the state after an action.

    Args:
        transitions: The state after each legal action; a pair that is missing is illegal.
        state: The present one.
        action: What is to happen.
        what: The resource as a person would call it, as in "A payment".

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    after = transitions.get((state, action))
    if after is None:
        raise IllegalTransition(f"{what} that is {state} cannot {action}.", state=state, action=action)
    return after
