"""A contradiction from when it is heard until it is over: who decides, and what may be decided."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from paykit.base.four_eyes import SamePerson, same_person
from paykit.contradictions import contradiction as domain
from paykit.contradictions.contradiction import (
    TRANSITIONS,
    Contradiction,
    ContradictionAction,
    ContradictionKind,
    ContradictionResolution,
    ContradictionState,
    ResolutionNotPossible,
)
from paykit.errors import IllegalTransition
from paykit.reasons.stated_reason import StatedReason

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
STATED = StatedReason(stated_reason="ask the bank first", stated_by="bob", stated_time=LATER)

# Rows: the state; columns: ESCALATE PROPOSE APPROVE REJECT SETTLE; "-" is refused.
TABLE = """
AUTOMATIC  OPEN  PROPOSED  -         -     RESOLVED
OPEN       -     PROPOSED  -         -     RESOLVED
PROPOSED   PROPOSED  -     RESOLVED  OPEN  RESOLVED
RESOLVED   -     -         -         -     -
"""
ACTIONS = ["ESCALATE", "PROPOSE", "APPROVE", "REJECT", "SETTLE"]


def contradiction(**changes: Any) -> Contradiction:
    given: dict[str, Any] = {
        "contradiction_id": "ctr_" + "1" * 32,
        "aggregate_id": "pay_" + "2" * 32,
        "subject_id": "ref_" + "3" * 32,
        "attempt_id": "att_" + "4" * 32,
        "merchant_id": "mer_" + "5" * 32,
        "kind": ContradictionKind.LATE_SUCCESS,
        "amount_minor": 20_000,
        "currency_code": "USD",
        "suspense_minor": -20_000,
        "recorded": "FAILED",
        "reported": "SUCCEEDED",
        "channel_reference": "ch_9",
        "needs_decision": True,
        "create_time": NOON,
        "update_time": NOON,
    }
    return Contradiction(**given | changes)


def proposed(proposer: str = "alice", **changes: Any) -> Contradiction:
    return domain.propose(
        contradiction(**changes),
        ContradictionResolution.WRITE_OFF,
        proposer=proposer,
        reason="The payer moved abroad.",
        now=NOON,
    )


def test_every_action_in_every_state() -> None:
    table = {
        (row[0], action): state
        for row in (line.split() for line in TABLE.strip().splitlines())
        for action, state in zip(ACTIONS, row[1:], strict=True)
    }
    assert set(table) == set(itertools.product(ContradictionState, ContradictionAction))
    assert {pair: state for pair, state in table.items() if state != "-"} == TRANSITIONS


@pytest.mark.parametrize(
    ("suspense_minor", "resolutions"),
    [(-20_000, ("CHARGE_MERCHANT", "WRITE_OFF")), (20_000, ("ACCEPT",)), (0, ("NONE",))],
)
def test_what_may_be_decided_depends_on_what_stands_in_suspense(
    suspense_minor: int, resolutions: tuple[str, ...]
) -> None:
    assert domain.possible(contradiction(suspense_minor=suspense_minor)) == resolutions


def test_a_proposal_keeps_who_and_why_and_another_approves() -> None:
    before = proposed()

    after = domain.approve(before, decider="bob", now=LATER)

    assert (before.state, before.proposer, before.reason) == ("PROPOSED", "alice", "The payer moved abroad.")
    assert (after.state, after.resolution, after.proposer, after.decider) == ("RESOLVED", "WRITE_OFF", "alice", "bob")
    assert (before.suspense_minor, after.suspense_minor, after.update_time) == (-20_000, 0, LATER)


@pytest.mark.parametrize("decider", ["alice", " Alice ", "ALICE", None])
def test_nobody_decides_alone(decider: str | None) -> None:
    with pytest.raises(SamePerson):
        domain.approve(proposed(), decider=decider, now=LATER)
    with pytest.raises(SamePerson):
        domain.reject(proposed(), decider=decider, stated=STATED, now=LATER)


def test_who_proposes_has_a_name() -> None:
    with pytest.raises(SamePerson):
        proposed(proposer=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("needs_decision", "state"), [(True, "OPEN"), (False, "AUTOMATIC")])
def test_a_rejected_proposal_leaves_things_as_they_were(*, needs_decision: bool, state: str) -> None:
    before = proposed(needs_decision=needs_decision, state=domain.first_state(needs_decision=needs_decision))

    after = domain.reject(before, decider="bob", stated=STATED, now=LATER)

    assert after.stated == STATED

    assert (after.state, after.resolution, after.proposer, after.reason, after.decider) == (
        state,
        None,
        None,
        None,
        None,
    )


def test_what_cannot_end_it_is_refused_with_what_can() -> None:
    with pytest.raises(ResolutionNotPossible) as refused:
        domain.propose(contradiction(), ContradictionResolution.ACCEPT, proposer="alice", reason="why", now=NOON)
    assert refused.value.metadata == {"possible": "CHARGE_MERCHANT,WRITE_OFF"}


def test_what_followed_settles_it_and_a_proposal_falls() -> None:
    after = domain.settle(proposed(), now=LATER)

    assert (after.state, after.resolution, after.suspense_minor) == ("RESOLVED", "EVIDENCE", 0)
    assert (after.proposer, after.decider, after.reason) == (None, None, None)
    with pytest.raises(IllegalTransition):
        domain.settle(after, now=LATER)


def test_rules_leave_to_people_what_they_cannot_end() -> None:
    after = domain.escalate(contradiction(needs_decision=False, state=ContradictionState.AUTOMATIC), now=LATER)

    assert (after.state, after.needs_decision) == ("OPEN", True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("alice", "Alice", True), (" alice", "alice ", True), ("STRASSE", "straße", True), ("alice", "alicia", False)],
)
def test_names_are_compared_as_people_would(one: str, other: str, *, same: bool) -> None:
    assert same_person(one, other) is same
