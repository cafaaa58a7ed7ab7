"""The state after an action, or the refusal that names both."""

from enum import StrEnum

import pytest

from paykit.errors import IllegalTransition, Kind
from paykit.transitions import next_state


class Door(StrEnum):
    OPEN = "OPEN"
    SHUT = "SHUT"


class Deed(StrEnum):
    PULL = "PULL"
    PUSH = "PUSH"


DOORS = {(Door.OPEN, Deed.PULL): Door.SHUT}


def test_a_legal_action_leads_to_the_next_state() -> None:
    assert next_state(DOORS, Door.OPEN, Deed.PULL, what="A door") is Door.SHUT


def test_an_illegal_action_is_refused_with_state_and_action() -> None:
    with pytest.raises(IllegalTransition) as refused:
        next_state(DOORS, Door.OPEN, Deed.PUSH, what="A door")
    assert refused.value.message == "A door that is OPEN cannot PUSH."
    assert refused.value.metadata == {"state": "OPEN", "action": "PUSH"}
    assert (refused.value.kind, refused.value.reason) == (Kind.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
