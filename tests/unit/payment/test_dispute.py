"""A dispute: every action in every state, and what each change does to the payment's amounts."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.attempts import AttemptState, ChannelAmountMismatch
from paykit.errors import DomainError, IllegalTransition, InvariantError
from paystream.payment.v1 import events
from services.payment.domain import dispute
from services.payment.domain.attempt import AttemptAction
from services.payment.domain.dispute import (
    Dispute,
    DisputeAction,
    DisputeExceedsCaptured,
    DisputeOutcome,
    DisputeReferenceTaken,
    DisputeResponseLate,
    DisputeState,
    Reported,
    ResponseState,
)
from services.payment.domain.payment import Payment, PaymentState
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, attempt, captured, payment, terms

DISPUTE_ID = "dsp_" + "6" * 32
DUE = NOON + timedelta(days=7)
CHARGED = attempt(AttemptState.SUCCEEDED, channel_reference="ch_1")

LEGAL = {
    ("OPENED", "CONTEST"): "CONTESTED",
    ("OPENED", "ACCEPT"): "LOST",
    ("OPENED", "WIN"): "WON",
    ("OPENED", "LOSE"): "LOST",
    ("CONTESTED", "WIN"): "WON",
    ("CONTESTED", "LOSE"): "LOST",
}


def reported(**changes: Any) -> Reported:
    given: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "dispute_reference": "chd_1",
        "outcome": DisputeOutcome.OPENED,
        "amount_minor": 4_000,
        "currency_code": "USD",
        "reason": events.DisputeReason.NOT_RECEIVED,
        "respond_by": DUE,
    }
    return Reported(**given | changes)


def opened(paid: Payment | None = None, **changes: Any) -> tuple[Payment, Dispute]:
    after, made, _ = dispute.open_dispute(
        paid or captured(terms()), CHARGED, reported(), dispute_id=DISPUTE_ID, now=LATER
    )
    return after, replace(made, **changes)


def act(action: DisputeAction, paid: Payment, before: Dispute) -> Dispute:
    """Take an action by the function that stands for it."""
    if action is DisputeAction.CONTEST:
        return dispute.contest(before, evidence="signed receipt", now=LATER)
    take: Any = {"ACCEPT": dispute.accept, "WIN": dispute.win, "LOSE": dispute.lose}[action]
    after: Dispute = take(paid, before, now=LATER)[1]
    return after


@pytest.mark.parametrize(("state", "action"), list(itertools.product(DisputeState, DisputeAction)))
def test_every_action_in_every_state(state: DisputeState, action: DisputeAction) -> None:
    after = LEGAL.get((state, action))
    paid, before = opened(state=state)
    if after:
        assert dispute.next_state(state, action) == act(action, paid, before).state == after
        return
    with pytest.raises(IllegalTransition) as refused:
        act(action, paid, before)
    assert refused.value.metadata == {"state": state, "action": action}


def test_an_opened_dispute_holds_its_amount_under_the_next_version() -> None:
    paid = captured(terms())
    after, made, event = dispute.open_dispute(paid, CHARGED, reported(), dispute_id=DISPUTE_ID, now=LATER)

    assert (after.disputed_minor, after.state, after.aggregate_version) == (4_000, PaymentState.SUCCEEDED, 3)
    assert (made.state, made.payment_id, made.attempt_id) == (DisputeState.OPENED, PAYMENT_ID, ATTEMPT_ID)
    assert event == events.DisputeOpened(
        occurred_at=LATER,
        merchant_id=paid.merchant_id,
        correlation_id="cor_1",
        aggregate_version=3,
        dispute_id=DISPUTE_ID,
        payment_id=PAYMENT_ID,
        order_id=None,
        merchant_reference="order-77",
        amount_minor=4_000,
        currency_code="USD",
        reason=events.DisputeReason.NOT_RECEIVED,
        channel="simulator",
        channel_reference="chd_1",
        respond_by=DUE,
        capture_id=None,
        stage=events.DisputeStage.CHARGEBACK,
        category=None,
        excess_minor=0,
        fee_minor=0,
    )


def test_a_dispute_that_is_won_gives_its_amount_back() -> None:
    paid, before = opened()
    after, won, event = dispute.win(paid, before, now=LATER)
    assert (after.disputed_minor, after.aggregate_version, won.state) == (0, 4, DisputeState.WON)
    assert (event.amount_minor, event.aggregate_version, event.dispute_id) == (4_000, 4, DISPUTE_ID)


def test_a_dispute_that_is_lost_stays_counted_for_ever() -> None:
    paid, before = opened()
    after, lost, event = dispute.lose(paid, before, now=LATER)
    assert (after.disputed_minor, after.aggregate_version, lost.state) == (4_000, 4, DisputeState.LOST)
    assert (lost.accepted, event.accepted, lost.response_state) == (False, False, None)


def test_a_dispute_that_is_accepted_is_lost_and_the_channel_is_still_to_be_told() -> None:
    paid, before = opened()
    after, lost, event = dispute.accept(paid, before, now=LATER)
    assert (after.disputed_minor, after.aggregate_version, lost.state) == (4_000, 4, DisputeState.LOST)
    assert (lost.accepted, event.accepted, lost.response_state) == (True, True, ResponseState.PENDING)


def test_contesting_is_possible_until_the_last_moment_and_keeps_what_was_said() -> None:
    _, before = opened()
    after = dispute.contest(before, evidence="signed receipt", now=DUE)
    assert (after.state, after.evidence, after.response_state) == ("CONTESTED", "signed receipt", "PENDING")
    with pytest.raises(DisputeResponseLate) as refused:
        dispute.contest(before, evidence="signed receipt", now=DUE + timedelta(microseconds=1))
    assert refused.value.metadata == {"respond_by": "2026-03-08T12:00:00+00:00"}


def test_without_a_limit_contesting_is_never_late() -> None:
    _, before = opened(respond_by=None)
    assert dispute.contest(before, evidence="-", now=NOON + timedelta(days=10_000)).state is DisputeState.CONTESTED


@pytest.mark.parametrize(
    ("spent", "left_minor"),
    [
        ({}, 10_000),
        ({"refunded_minor": 2_000}, 8_000),
        ({"refunding_minor": 2_000, "refunded_minor": 1_000}, 7_000),
        ({"disputed_minor": 9_999}, 1),
        ({"refunded_minor": 5_000, "disputed_minor": 5_000}, 0),
    ],
)
def test_what_is_left_can_be_disputed_and_no_more(spent: dict[str, Any], left_minor: int) -> None:
    paid = replace(captured(terms()), **spent)
    if left_minor:
        after, _, _ = dispute.open_dispute(
            paid, CHARGED, reported(amount_minor=left_minor), dispute_id=DISPUTE_ID, now=LATER
        )
        assert after.disputed_minor == spent.get("disputed_minor", 0) + left_minor
    with pytest.raises(DisputeExceedsCaptured) as refused:
        dispute.open_dispute(paid, CHARGED, reported(amount_minor=left_minor + 1), dispute_id=DISPUTE_ID, now=LATER)
    assert refused.value.metadata == {"disputable_minor": str(left_minor), "currency_code": "USD"}


def test_no_more_can_be_disputed_than_the_attempt_captured() -> None:
    part = replace(CHARGED, amount_minor=3_000)
    with pytest.raises(DisputeExceedsCaptured) as refused:
        dispute.open_dispute(captured(terms()), part, reported(), dispute_id=DISPUTE_ID, now=LATER)
    assert refused.value.metadata["disputable_minor"] == "3000"


@pytest.mark.parametrize("state", [s for s in AttemptState if s is not AttemptState.SUCCEEDED])
def test_an_attempt_that_has_not_succeeded_has_captured_nothing(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition) as refused:
        dispute.open_dispute(
            captured(terms()), replace(CHARGED, state=state), reported(), dispute_id=DISPUTE_ID, now=LATER
        )
    assert refused.value.metadata == {"state": state, "action": "DISPUTE"}


@pytest.mark.parametrize(
    ("paid", "which"),
    [(captured(terms()), {"action": AttemptAction.REFUND}), (payment(), {})],
    ids=["a refund", "a payment that is not captured"],
)
def test_only_what_was_captured_can_be_disputed(paid: Payment, which: dict[str, Any]) -> None:
    with pytest.raises(IllegalTransition):
        dispute.open_dispute(paid, replace(CHARGED, **which), reported(), dispute_id=DISPUTE_ID, now=LATER)


def test_a_dispute_in_another_currency_is_refused() -> None:
    with pytest.raises(ChannelAmountMismatch):
        dispute.open_dispute(
            captured(terms()), CHARGED, reported(currency_code="JPY"), dispute_id=DISPUTE_ID, now=LATER
        )


@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [
        ("OPENED", "WON", False),
        ("CONTESTED", "LOST", False),
        ("WON", "WON", False),
        ("WON", "LOST", True),
        ("WON", "OPENED", False),
        ("LOST", "WON", True),
        ("LOST", "LOST", False),
        ("LOST", "OPENED", False),
    ],
)
def test_only_the_opposite_decision_contradicts(state: str, outcome: str, *, expected: bool) -> None:
    _, before = opened(state=DisputeState(state))
    assert dispute.contradicts(before, DisputeOutcome(outcome)) is expected


def test_a_contradiction_is_marked_and_the_decision_stands() -> None:
    _, before = opened(state=DisputeState.WON)
    after = dispute.contradict(before, now=LATER)
    assert (after.state, after.contradicted) == (DisputeState.WON, True)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"attempt_id": "att_" + "9" * 32}, DisputeReferenceTaken),
        ({"amount_minor": 3_999}, ChannelAmountMismatch),
        ({"currency_code": "JPY"}, ChannelAmountMismatch),
    ],
)
def test_a_reference_names_one_dispute(changes: dict[str, Any], error: type[DomainError]) -> None:
    _, before = opened()
    with pytest.raises(error):
        dispute.require_same(before, reported(**changes))


def test_the_channel_takes_an_answer_or_never_will() -> None:
    _, before = opened()
    contested = dispute.contest(before, evidence="-", now=LATER)
    assert dispute.answered(contested, taken=True, now=LATER).response_state is ResponseState.TOLD
    assert dispute.answered(contested, taken=False, now=LATER).response_state is ResponseState.REFUSED
    with pytest.raises(InvariantError):
        dispute.answered(before, taken=True, now=LATER)
