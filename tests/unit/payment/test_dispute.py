"""The states of a dispute."""

import itertools

import pytest

from paykit.errors import IllegalTransition
from services.payment import dispute
from services.payment.dispute import DisputeAction, DisputeState

LEGAL = {
    ("OPENED", "CONTEST"): "CONTESTED",
    ("OPENED", "ACCEPT"): "LOST",
    ("OPENED", "WIN"): "WON",
    ("OPENED", "LOSE"): "LOST",
    ("CONTESTED", "WIN"): "WON",
    ("CONTESTED", "LOSE"): "LOST",
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(DisputeState, DisputeAction)))
def test_every_action_in_every_state(state: DisputeState, action: DisputeAction) -> None:
    after = LEGAL.get((state, action))
    if after:
        assert dispute.next_state(state, action) == after
        return
    with pytest.raises(IllegalTransition) as refused:
        dispute.next_state(state, action)
    assert refused.value.metadata == {"state": state, "action": action}
