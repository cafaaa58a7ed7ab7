"""A dispute as the merchant answers it."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.attempts import AttemptState, ChannelAmountMismatch
from paykit.errors import IllegalTransition, InvariantError
from paystream.payment.v1 import events
from services.payment.domain import dispute, dispute_answer, dispute_rulings
from services.payment.domain.attempt import AttemptAction
from services.payment.domain.dispute import Dispute, DisputeAction, DisputeState, ResponseState
from services.payment.domain.disputing.dispute_answer import DisputeResponseLate
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, captured, payment, terms
from tests.unit.payment.disputing import (
    CHARGED,
    DISPUTE_ID,
    DUE,
    INQUIRY,
    circumstances,
    opened,
    part_captured,
    reported,
)

LEGAL = {("OPENED", "CONTEST"): "CONTESTED", ("OPENED", "ACCEPT"): "LOST"}


def begun(paid: Payment, **changes: Any) -> Dispute:
    return dispute.begin(paid, None, replace(CHARGED, **changes), reported(), dispute_id=DISPUTE_ID, now=LATER)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(DisputeState, DisputeAction)))
def test_every_answer_in_every_state(state: DisputeState, action: DisputeAction) -> None:
    after = LEGAL.get((state, action))
    if after:
        assert dispute.next_state(state, action) == after
        return
    with pytest.raises(IllegalTransition) as refused:
        dispute.next_state(state, action)
    assert refused.value.metadata == {"state": state, "action": action}


def test_a_dispute_begins_with_what_was_said_of_it() -> None:
    made = begun(captured(terms()))
    assert (made.state, made.payment_id, made.attempt_id) == (DisputeState.OPENED, PAYMENT_ID, ATTEMPT_ID)
    assert (made.amount_minor, made.claimed_minor, made.held_minor, made.respond_by) == (4_000, 4_000, 0, DUE)


def test_a_dispute_that_is_accepted_is_lost_and_the_channel_is_still_to_be_told() -> None:
    case = dispute_rulings.accept(replace(opened(), told=()), circumstances(accepted=True))
    lost, [event] = case.dispute, case.told
    assert (case.payment.disputed_minor, lost.state, lost.lost_minor) == (4_000, DisputeState.LOST, 4_000)
    assert isinstance(event, events.DisputeLost)
    assert (lost.accepted, event.accepted, lost.response_state) == (True, True, ResponseState.PENDING)


def test_an_inquiry_is_answered_and_cannot_be_accepted() -> None:
    inquired = opened(reported(stage=INQUIRY))
    with pytest.raises(IllegalTransition):
        dispute_rulings.accept(inquired, circumstances(accepted=True))
    _, after, event = dispute_answer.contest(inquired.payment, inquired.dispute, evidence="-", now=LATER)
    assert (after.state, event.stage) == (DisputeState.CONTESTED, INQUIRY)


def test_contesting_is_possible_until_the_last_moment_and_keeps_what_was_said() -> None:
    payment, before = opened().payment, opened().dispute
    told, after, event = dispute_answer.contest(payment, before, evidence="signed receipt", now=DUE)
    assert (after.state, after.evidence, after.response_state) == ("CONTESTED", "signed receipt", "PENDING")
    assert told == replace(payment, aggregate_version=payment.aggregate_version + 1, update_time=DUE)
    assert (event.aggregate_version, event.respond_by, event.opened_at) == (told.aggregate_version, DUE, LATER)
    with pytest.raises(DisputeResponseLate) as refused:
        dispute_answer.contest(payment, before, evidence="signed receipt", now=DUE + timedelta(microseconds=1))
    assert refused.value.metadata == {"respond_by": "2026-03-08T12:00:00+00:00"}


def test_without_a_limit_contesting_is_never_late() -> None:
    before = replace(opened().dispute, respond_by=None)
    _, after, event = dispute_answer.contest(opened().payment, before, evidence="-", now=NOON + timedelta(days=10_000))
    assert (after.state, event.respond_by) == (DisputeState.CONTESTED, None)


@pytest.mark.parametrize("state", [s for s in AttemptState if s is not AttemptState.SUCCEEDED])
def test_an_attempt_that_has_not_succeeded_has_captured_nothing(state: AttemptState) -> None:
    with pytest.raises(IllegalTransition) as refused:
        begun(captured(terms()), state=state)
    assert refused.value.metadata == {"state": state, "action": "DISPUTE"}


@pytest.mark.parametrize(
    ("paid", "which"),
    [(captured(terms()), {"action": AttemptAction.REFUND}), (payment(), {})],
    ids=["a refund", "a payment that is not captured"],
)
def test_only_what_was_captured_can_be_disputed(paid: Payment, which: dict[str, Any]) -> None:
    with pytest.raises(IllegalTransition):
        begun(paid, **which)


@pytest.mark.parametrize("state", [s for s in MovementState if s is not MovementState.SUCCEEDED])
def test_what_came_late_for_a_capture_is_not_disputed_as_the_merchant_s(state: MovementState) -> None:
    attempt = replace(CHARGED, action=AttemptAction.CAPTURE, capture_id="cap_" + "8" * 32, contradicted=True)
    with pytest.raises(IllegalTransition) as refused:
        dispute.begin(
            captured(terms()), part_captured(4_000, state=state), attempt, reported(), dispute_id=DISPUTE_ID, now=LATER
        )
    assert refused.value.metadata == {"state": state, "action": "DISPUTE"}


def test_a_first_word_in_another_currency_is_refused() -> None:
    said = reported(currency_code="JPY")
    with pytest.raises(ChannelAmountMismatch):
        dispute.begin(captured(terms()), None, CHARGED, said, dispute_id=DISPUTE_ID, now=LATER)


def test_the_channel_takes_an_answer_or_never_will() -> None:
    before = opened().dispute
    _, contested, _ = dispute_answer.contest(opened().payment, before, evidence="-", now=LATER)
    assert dispute.answered(contested, taken=True, now=LATER).response_state is ResponseState.TOLD
    assert dispute.answered(contested, taken=False, now=LATER).response_state is ResponseState.REFUSED
    with pytest.raises(InvariantError):
        dispute.answered(before, taken=True, now=LATER)
