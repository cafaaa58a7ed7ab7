"""The acquirer's books, against values worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.errors import InvariantError
from paykit.ids import is_id
from paystream.channel.v1 import events
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import FIXED, ORDINARY, Behaviour, Decision, Scenario
from services.channel.domain.instruction import Action, Instruction
from services.channel.domain.line import statement_line
from services.channel.domain.transaction import Authorization, ChannelTransaction

NIGHT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
NEXT_DAY = NIGHT + timedelta(seconds=2)
BEHAVIOUR = Behaviour(fee_basis_points=150, callback_delay_ms=2_000, callback_address="payment:1")
LATE = FIXED[9005]
LATE_DECLINE = FIXED[9008]
CONTRADICTION = FIXED[9009]


def order(action: Action = Action.AUTHORIZE, amount_minor: int | None = 1_000, **changes: Any) -> Instruction:
    given: dict[str, Any] = {"attempt_id": "att_1", "action": action, "amount_minor": amount_minor}
    if amount_minor is not None:
        given["currency_code"] = "USD"
    if action in {Action.AUTHORIZE, Action.PAY}:
        given |= {"merchant_id": "mer_1", "token": "tok_1"}
    else:
        given["authorization_reference"] = "chn_1"
    return Instruction(**given | changes)


def authorization(**changes: Any) -> Authorization:
    given: dict[str, Any] = {
        "authorization_reference": "chn_1",
        "merchant_id": "mer_1",
        "amount_minor": 1_000,
        "currency_code": "USD",
        "status": Decision.APPROVED,
    }
    return Authorization(**given | changes)


def captured(amount_minor: int = 1_000, **changes: Any) -> Authorization:
    return authorization(taken_minor=amount_minor, captured_minor=amount_minor, **changes)


def record(
    asked: Instruction, before: Authorization | None = None, scenario: Scenario = ORDINARY
) -> tuple[ChannelTransaction, Authorization | None]:
    return domain.record(asked, before, scenario=scenario, behaviour=BEHAVIOUR, correlation_id="cor_1", now=NIGHT)


def test_an_authorization_reserves_and_moves_nothing() -> None:
    transaction, after = record(order())
    assert (transaction.outcome, transaction.captured, transaction.channel_fee_minor) == (Decision.APPROVED, False, 0)
    assert is_id("chn", transaction.channel_reference)
    assert after == replace(authorization(), authorization_reference=transaction.channel_reference)


def test_automatic_capture_takes_the_whole_amount_and_its_fee() -> None:
    transaction, after = record(order(amount_minor=1_033, capture=True))
    # 1.5 % of 1,033 is 15.495.
    assert (transaction.captured, transaction.channel_fee_minor, transaction.line_date) == (True, 15, "2026-03-01")
    assert after is not None
    assert (after.taken_minor, after.captured_minor, after.refunded_minor) == (1_033, 1_033, 0)


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"), [(33, 0), (34, 1), (100, 2), (166, 2), (167, 3), (10**6, 15_000)]
)
def test_the_fee_is_rounded_half_up(amount_minor: int, fee_minor: int) -> None:
    assert record(order(amount_minor=amount_minor, capture=True))[0].channel_fee_minor == fee_minor


def test_captures_add_up_to_the_authorized_amount_and_no_further() -> None:
    first, after = record(order(Action.CAPTURE, 600), authorization())
    assert (first.outcome, first.merchant_id, first.channel_fee_minor) == (Decision.APPROVED, "mer_1", 9)
    second, unchanged = record(order(Action.CAPTURE, 401), after)
    assert (second.outcome, second.decline_code) == (Decision.DECLINED, "capture_exceeds_authorized")
    assert unchanged == after
    third, full = record(order(Action.CAPTURE, 400), after)
    assert third.outcome is Decision.APPROVED
    assert full == authorization(taken_minor=1_000, captured_minor=1_000)


def test_refunds_add_up_to_the_captured_amount_and_no_further() -> None:
    _, after = record(order(Action.REFUND, 600), captured(700))
    too_much, _ = record(order(Action.REFUND, 101), after)
    assert too_much.decline_code == "refund_exceeds_captured"
    rest, empty = record(order(Action.REFUND, 100), after)
    assert (rest.outcome, rest.captured, rest.channel_fee_minor) == (Decision.APPROVED, True, 0)
    assert empty == captured(700, refunded_minor=700)


def test_a_cancellation_gives_back_what_is_not_captured_and_ends_captures() -> None:
    transaction, after = record(order(Action.CANCEL, None), captured(700))
    assert (transaction.outcome, transaction.amount_minor, transaction.currency_code) == (Decision.APPROVED, 300, "USD")
    assert transaction.line_date is None
    assert after == captured(700, cancelled=True)
    assert record(order(Action.CAPTURE, 1), after)[0].decline_code == "authorization_cancelled"
    assert record(order(Action.CANCEL, None), after)[0].decline_code == "authorization_cancelled"
    assert record(order(Action.REFUND, 700), after)[0].outcome is Decision.APPROVED


def test_nothing_is_left_to_cancel_of_a_captured_amount() -> None:
    transaction, _ = record(order(Action.CANCEL, None), captured())
    assert (transaction.decline_code, transaction.amount_minor) == ("already_captured", None)


@pytest.mark.parametrize("action", [Action.CAPTURE, Action.REFUND, Action.CANCEL])
def test_what_follows_an_authorization_needs_an_approved_one(action: Action) -> None:
    amount_minor = None if action is Action.CANCEL else 1
    assert record(order(action, amount_minor))[0].decline_code == "authorization_unknown"
    for status in (Decision.PENDING, Decision.DECLINED):
        declined, _ = record(order(action, amount_minor), authorization(status=status))
        assert declined.decline_code == "authorization_not_approved"


def test_another_currency_is_declined() -> None:
    declined, _ = record(order(Action.REFUND, 1, currency_code="EUR"), captured())
    assert declined.decline_code == "currency_mismatch"


def test_a_rule_of_the_acquirer_comes_before_the_fate() -> None:
    transaction, after = record(order(Action.REFUND, 1_001), captured(), LATE)
    assert (transaction.outcome, transaction.later, transaction.callbacks) == (Decision.DECLINED, None, 0)
    assert after == captured()


def test_a_late_approval_of_an_authorization_has_its_amount_taken_meanwhile() -> None:
    pending, waiting = record(order(capture=True), scenario=LATE)
    assert (pending.outcome, pending.captured, pending.resolve_time) == (
        Decision.PENDING,
        False,
        NIGHT + timedelta(seconds=2),
    )
    assert waiting is not None
    assert (waiting.status, waiting.taken_minor, waiting.captured_minor) == (Decision.PENDING, 1_000, 0)
    decided, after = domain.resolve(pending, waiting, now=NEXT_DAY)
    assert (decided.outcome, decided.later, decided.resolve_time) == (Decision.APPROVED, None, None)
    assert (decided.line_date, decided.version, decided.channel_fee_minor) == ("2026-03-02", 2, 15)
    assert after is not None
    assert (after.status, after.captured_minor) == (Decision.APPROVED, 1_000)


def test_a_late_decline_gives_everything_back() -> None:
    pending, waiting = record(order(Action.CAPTURE, 400), authorization(), LATE_DECLINE)
    assert waiting == authorization(taken_minor=400)
    decided, after = domain.resolve(pending, waiting, now=NEXT_DAY)
    assert (decided.outcome, decided.decline_code, decided.line_date) == (Decision.DECLINED, "do_not_honor", None)
    assert after == authorization()
    pending, waiting = record(order(Action.REFUND, 400), captured(), LATE_DECLINE)
    assert waiting == captured(refunded_minor=400)
    assert domain.resolve(pending, waiting, now=NEXT_DAY)[1] == captured()


def test_a_contradiction_keeps_room_for_the_approval_that_follows_the_decline() -> None:
    declined, waiting = record(order(Action.REFUND, 400), captured(), CONTRADICTION)
    assert (declined.outcome, declined.decline_code) == (Decision.DECLINED, "do_not_honor")
    assert waiting == captured(refunded_minor=400)
    decided, after = domain.resolve(declined, waiting, now=NEXT_DAY)
    assert (decided.outcome, decided.decline_code, decided.captured) == (Decision.APPROVED, "", True)
    assert after == captured(refunded_minor=400)


def test_what_is_decided_cannot_be_decided_again() -> None:
    transaction, after = record(order())
    with pytest.raises(InvariantError):
        domain.resolve(transaction, after, now=NEXT_DAY)


def test_the_statement_line_of_an_automatic_capture_is_a_capture() -> None:
    transaction, _ = record(order(capture=True, related_no="cap_1"), scenario=FIXED[9006])
    line = statement_line(transaction)
    assert line == events.ChannelTransactionReported(
        occurred_at=NIGHT,
        merchant_id="mer_1",
        aggregate_version=1,
        channel="simulator",
        channel_reference=transaction.channel_reference,
        line_id=line.line_id,
        operation=events.ChannelOperation.CAPTURE,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=line.statement_id,
        related_no="cap_1",
        original_channel_reference=None,
        amount_minor=1_000,
        currency_code="USD",
        channel_fee_minor=16,
        line_date="2026-03-01",
        attempt_id=transaction.attempt_id,
        settlement_amount_minor=1_000,
        settlement_currency_code="USD",
        exchange_rate="1",
        value_date="2026-03-02",
        payout_reference=line.payout_reference,
        acquirer_reference=line.acquirer_reference,
    )
    assert transaction.channel_fee_minor == 15


def test_the_line_of_a_refund_names_what_it_undoes() -> None:
    transaction, _ = record(order(Action.REFUND, 5), captured())
    line = statement_line(transaction)
    assert (line.operation, line.original_channel_reference, line.channel_fee_minor) == ("REFUND", "chn_1", 0)


def test_no_line_is_written_where_no_money_moved() -> None:
    with pytest.raises(InvariantError):
        statement_line(record(order())[0])


def test_a_repetition_is_told_by_everything_but_the_address_to_call_back() -> None:
    asked = order(related_no="cap_1")
    assert replace(asked, callback_address="other:1").fingerprint() == asked.fingerprint()
    for change in (
        {"merchant_id": "mer_2"},
        {"amount_minor": 999},
        {"currency_code": "EUR"},
        {"token": "tok_2"},
        {"capture": True},
        {"related_no": None},
        {"action": Action.PAY},
    ):
        assert replace(asked, **change).fingerprint() != asked.fingerprint()
