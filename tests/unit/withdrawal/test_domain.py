"""The states of a withdrawal, and what each change says of it."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.base.four_eyes import SamePerson
from paykit.errors import IllegalTransition
from paykit.reasons.stated_reason import StatedReason
from paystream.withdrawal.v1 import events
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.withdrawal import NotHeldYet, Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalAction, WithdrawalState
from tests.unit.withdrawal.builders import ATTEMPT_ID, BANK_ACCOUNT_ID, LATER, MERCHANT_ID, NOON, WITHDRAWAL_ID
from tests.unit.withdrawal.builders import withdrawal as withdrawal_in

# Rows: the state; columns as ACTIONS; "-" is illegal.
TABLE = """
CREATED    HELD  FAILED  -         -         -          -          -          -       -        -
HELD       -     -       APPROVED  REJECTED  CANCELLED  -          -          -       -        -
APPROVED   -     -       -         -         CANCELLED  SUBMITTED  -          FAILED  -        -
SUBMITTED  -     -       -         -         -          -          COMPLETED  FAILED  UNKNOWN  -
UNKNOWN    -     -       -         -         -          -          COMPLETED  FAILED  -        -
COMPLETED  -     -       -         -         -          -          -          -       -        RETURNED
RETURNED   -     -       -         -         -          -          -          -       -        -
FAILED     -     -       -         -         -          -          -          -       -        -
REJECTED   -     -       -         -         -          -          -          -       -        -
CANCELLED  -     -       -         -         -          -          -          -       -        -
"""
ACTIONS = ["HOLD", "REFUSE", "APPROVE", "REJECT", "CANCEL", "SUBMIT", "COMPLETE", "FAIL", "LOSE_ANSWER", "RETURN"]
CELLS = [
    (row[0], action, after)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, after in zip(ACTIONS, row[1:], strict=True)
]
ABOUT: dict[str, Any] = {
    "merchant_id": MERCHANT_ID,
    "correlation_id": "cor_1",
    "withdrawal_id": WITHDRAWAL_ID,
    "bank_account_id": BANK_ACCOUNT_ID,
    "amount_minor": 6_000,
    "currency_code": "USD",
    "bank_account_last_four": "4321",
    "requester": "shop",
    "decider": None,
    "note": None,
    "submitted_at": None,
    "payout_fee_minor": 0,
}
TOLD: dict[str, Any] = ABOUT | {"occurred_at": LATER, "aggregate_version": 2}

# Each action as the service takes it, so that the refusals are those of the functions and not of the table alone.
STATED = StatedReason(stated_reason="wrong account", stated_by="boss", stated_time=LATER)

TAKE: dict[str, Callable[[Withdrawal], Any]] = {
    "HOLD": lambda w: (domain.hold(w, now=LATER), None),
    "REFUSE": lambda w: domain.refuse(w, reason="INSUFFICIENT_FUNDS", now=LATER),
    "APPROVE": lambda w: domain.approve(w, decider="boss", channel="simulator", now=LATER),
    "REJECT": lambda w: domain.reject(w, decider="boss", stated=STATED, now=LATER),
    "CANCEL": lambda w: domain.cancel(w, stated=STATED, now=LATER),
    "SUBMIT": lambda w: domain.submit(w, attempt_id=ATTEMPT_ID, now=LATER),
    "COMPLETE": lambda w: domain.complete(w, channel_reference="ch_1", attempt_id=ATTEMPT_ID, now=LATER),
    "FAIL": lambda w: domain.fail(
        w, reason="BANK_REJECTED", code="closed", channel_reference=None, attempt_id=ATTEMPT_ID, now=LATER
    ),
    "LOSE_ANSWER": lambda w: domain.lose_answer(w, channel_reference=None, attempt_id=ATTEMPT_ID, now=LATER),
    "RETURN": lambda w: domain.send_back(w, returned_minor=None, code="closed", attempt_id=ATTEMPT_ID, now=LATER),
}


@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_every_action_in_every_state(state: str, action: str, after: str) -> None:
    before = withdrawal_in(state, channel="simulator", channel_reference="ch_1")
    if after != "-":
        assert TAKE[action](before)[0].state == after
        return
    with pytest.raises(IllegalTransition) as refused:
        TAKE[action](before)
    assert refused.value.metadata == {"state": state, "action": action}


def test_the_table_names_every_state_and_action() -> None:
    assert {(state, action) for state, action, _ in CELLS} == set(itertools.product(WithdrawalState, WithdrawalAction))


def test_a_new_withdrawal_says_so_as_version_one() -> None:
    assert domain.created(withdrawal_in()) == events.WithdrawalCreated(
        **ABOUT, occurred_at=NOON, aggregate_version=1, approval_required=True
    )


def test_what_the_ledger_holds_is_no_news_of_the_withdrawal() -> None:
    assert domain.hold(withdrawal_in(), now=LATER) == withdrawal_in("HELD", funds_held=True, update_time=LATER)


def test_a_refusal_by_the_ledger_fails_without_held_funds() -> None:
    after, event = domain.refuse(withdrawal_in(), reason="INSUFFICIENT_FUNDS", now=LATER)

    assert (after.state, after.failure_reason, after.funds_held) == ("FAILED", "INSUFFICIENT_FUNDS", False)
    assert event == events.WithdrawalFailed(
        **TOLD,
        funds_held=False,
        reason="INSUFFICIENT_FUNDS",
        failure_code=None,
        channel_reference=None,
        attempt_id=None,
    )


@pytest.mark.parametrize(("decider", "automatic"), [("boss", False), (None, True)])
def test_an_approval_says_whether_somebody_decided(decider: str | None, *, automatic: bool) -> None:
    after, event = domain.approve(withdrawal_in("HELD"), decider=decider, channel="simulator", now=LATER)

    assert (after.state, after.decider, after.channel) == ("APPROVED", decider, "simulator")
    assert event == events.WithdrawalApproved(**TOLD | {"decider": decider}, automatic=automatic)


def test_a_rejection_names_who_decided() -> None:
    after, event = domain.reject(withdrawal_in("HELD"), decider="boss", stated=STATED, now=LATER)

    assert (after.state, after.decider, after.stated) == ("REJECTED", "boss", STATED)
    assert event == events.WithdrawalRejected(**TOLD | {"decider": "boss"}, reason="wrong account")


@pytest.mark.parametrize("state", ["HELD", "APPROVED"])
def test_what_is_called_off_says_why_and_takes_nothing(state: str) -> None:
    after, event = domain.cancel(withdrawal_in(state), stated=STATED, now=LATER)

    assert (after.state, after.taken_minor, after.stated) == ("CANCELLED", 0, STATED)
    assert event == events.WithdrawalCancelled(**TOLD, funds_held=True, reason="wrong account")


def test_what_the_ledger_does_not_hold_yet_cannot_be_called_off_yet() -> None:
    for approval_required in (True, False):
        with pytest.raises(NotHeldYet):
            domain.require_cancellable(withdrawal_in(approval_required=approval_required))
    with pytest.raises(IllegalTransition) as sent:
        domain.require_cancellable(withdrawal_in("SUBMITTED"))

    assert sent.value.metadata == {"state": "SUBMITTED", "action": "CANCEL"}


def test_a_submission_names_the_attempt() -> None:
    after, event = domain.submit(withdrawal_in("APPROVED", channel="simulator"), attempt_id=ATTEMPT_ID, now=LATER)

    assert (after.state, after.submit_time) == ("SUBMITTED", LATER)
    sent = TOLD | {"submitted_at": LATER}
    assert event == events.WithdrawalSubmitted(**sent, channel="simulator", attempt_id=ATTEMPT_ID)


def test_a_missing_answer_is_told_with_the_attempt_that_it_is_missing_of() -> None:
    before = withdrawal_in("SUBMITTED", channel="simulator", submit_time=NOON, note="Weekly")

    after, event = domain.lose_answer(before, channel_reference="ch_0", attempt_id=ATTEMPT_ID, now=LATER)

    assert (after.state, after.channel_reference, after.aggregate_version) == ("UNKNOWN", "ch_0", 2)
    sent = TOLD | {"submitted_at": NOON, "note": "Weekly"}
    assert event == events.WithdrawalUnknown(
        **sent, channel="simulator", attempt_id=ATTEMPT_ID, channel_reference="ch_0"
    )


@pytest.mark.parametrize("state", ["SUBMITTED", "UNKNOWN"])
def test_a_payout_keeps_the_banks_reference(state: str) -> None:
    before = withdrawal_in(state, channel="simulator")

    after, event = domain.complete(before, channel_reference="ch_1", attempt_id=ATTEMPT_ID, now=LATER)

    assert (after.state, after.channel_reference) == ("COMPLETED", "ch_1")
    assert event == events.WithdrawalCompleted(
        **TOLD, channel="simulator", channel_reference="ch_1", attempt_id=ATTEMPT_ID
    )


def test_a_failure_at_the_bank_keeps_its_code_and_a_reference_told_before() -> None:
    before = withdrawal_in("UNKNOWN", channel_reference="ch_0")

    after, event = domain.fail(
        before, reason="BANK_REJECTED", code="closed", channel_reference=None, attempt_id=ATTEMPT_ID, now=LATER
    )

    assert (after.state, after.failure_reason, after.failure_code) == ("FAILED", "BANK_REJECTED", "closed")
    assert event == events.WithdrawalFailed(
        **TOLD,
        funds_held=True,
        reason="BANK_REJECTED",
        failure_code="closed",
        channel_reference="ch_0",
        attempt_id=ATTEMPT_ID,
    )


@pytest.mark.parametrize(
    ("told_minor", "returned_minor", "fee_minor"),
    [(None, 6_000, 0), (6_000, 6_000, 0), (5_500, 5_500, 500), (7_000, 6_000, 0)],
)
def test_a_return_keeps_the_banks_code_and_what_came_back(
    told_minor: int | None, returned_minor: int, fee_minor: int
) -> None:
    before = withdrawal_in("COMPLETED", channel="simulator", channel_reference="ch_1")

    after, event = domain.send_back(
        before, returned_minor=told_minor, code="account_closed", attempt_id=ATTEMPT_ID, now=LATER
    )

    assert (after.state, after.return_code) == ("RETURNED", "account_closed")
    assert (after.returned_minor, after.taken_minor) == (returned_minor, fee_minor)
    assert event == events.WithdrawalReturned(
        **TOLD,
        channel="simulator",
        channel_reference="ch_1",
        return_code="account_closed",
        bank_fee_minor=fee_minor,
        returned_minor=returned_minor,
        attempt_id=ATTEMPT_ID,
    )


@pytest.mark.parametrize("action", [WithdrawalAction.APPROVE, WithdrawalAction.REJECT])
@pytest.mark.parametrize("decider", ["shop", " SHOP ", None])
def test_neither_the_requester_nor_nobody_decides(action: WithdrawalAction, decider: str | None) -> None:
    with pytest.raises(SamePerson):
        domain.require_decidable(withdrawal_in("HELD"), action, decider=decider)
    domain.require_decidable(withdrawal_in("HELD"), action, decider="boss")


def test_only_a_decision_that_the_hold_will_allow_is_waited_for() -> None:
    with pytest.raises(NotHeldYet) as wait:
        domain.require_decidable(withdrawal_in(), WithdrawalAction.APPROVE, decider="boss")
    with pytest.raises(IllegalTransition) as never:
        domain.require_decidable(withdrawal_in(approval_required=False), WithdrawalAction.APPROVE, decider="boss")

    assert wait.value.metadata == never.value.metadata == {"state": "CREATED", "action": "APPROVE"}
    assert not isinstance(never.value, NotHeldYet)


@given(st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_on_any_way_every_event_is_one_version_and_money_leaves_at_most_once(actions: list[str]) -> None:
    now = replace(withdrawal_in(), channel="simulator")
    told: list[Any] = [domain.created(now)]
    for action in actions:
        try:
            now, event = TAKE[action](now)
        except IllegalTransition:
            continue
        told += [event] if event is not None else []

    assert [event.aggregate_version for event in told] == list(range(1, len(told) + 1))
    assert now.aggregate_version == len(told)
    names = [type(event).__name__ for event in told]
    paid, back = names.count("WithdrawalCompleted"), names.count("WithdrawalReturned")
    ended_unpaid = sum(names.count(f"Withdrawal{end}") for end in ("Failed", "Rejected", "Cancelled"))
    assert paid + ended_unpaid <= 1
    assert back <= paid
    assert now.taken_minor == (0 if ended_unpaid + back else 6_000)
