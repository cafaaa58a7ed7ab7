"""The states of captures and refunds."""

import itertools

import pytest

from paykit.errors import IllegalTransition
from services.payment.domain import movement
from services.payment.domain.capture import Capture
from services.payment.domain.movement import MovementAction, MovementState, PaymentMovement
from services.payment.domain.refund import Refund

# Rows: the state; columns: RELEASE CANCEL SUCCEED FAIL LOSE_ANSWER SUCCEED_LATE RETURN; "-" is illegal.
TABLE = """
QUEUED      CREATED     FAILED      -           -           -           -           -
CREATED     -           -           SUCCEEDED   FAILED      UNKNOWN     -           -
SUCCEEDED   -           -           -           -           -           -           RETURNED
FAILED      -           -           -           -           -           SUCCEEDED   -
UNKNOWN     -           -           SUCCEEDED   FAILED      -           -           -
RETURNED    -           -           -           -           -           SUCCEEDED   -
"""
ACTIONS = ["RELEASE", "CANCEL", "SUCCEED", "FAIL", "LOSE_ANSWER", "SUCCEED_LATE", "RETURN"]
CELLS = [
    (row[0], action, after)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, after in zip(ACTIONS, row[1:], strict=True)
]


@pytest.mark.parametrize("kind", [Capture, Refund])
@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_every_action_in_every_state(kind: type[PaymentMovement], state: str, action: str, after: str) -> None:
    if after != "-":
        assert movement.next_state(MovementState(state), MovementAction(action), what=kind.WHAT) == after
        return
    with pytest.raises(IllegalTransition, match=f"{kind.WHAT} that is {state}") as refused:
        movement.next_state(MovementState(state), MovementAction(action), what=kind.WHAT)
    assert refused.value.metadata == {"state": state, "action": action}


def test_the_table_names_every_state_and_action() -> None:
    assert {(state, action) for state, action, _ in CELLS} == set(itertools.product(MovementState, MovementAction))
