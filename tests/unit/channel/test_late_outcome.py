"""What is said of attempts after they were decided, against values worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.errors import CurrencyMismatch
from paykit.money import Money
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import FIXED, FIXED_CANCELS, ORDINARY, Aftereffect, Behaviour, Decision, Scenario
from services.channel.domain.instruction import Action, Instruction
from services.channel.domain.late_outcome import LateOutcome, LateWord, OutcomeImpossible, Turned, turn, word_of
from services.channel.domain.line import ChannelLine, reported
from services.channel.domain.transaction import Authorization, ChannelTransaction

NIGHT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
NEXT_DAY = NIGHT + timedelta(seconds=2)
BEHAVIOUR = Behaviour(fee_basis_points=150, callback_delay_ms=2_000)
APPROVED = LateWord(outcome=LateOutcome.APPROVED)
DECLINED = LateWord(outcome=LateOutcome.DECLINED)
RETURNED = LateWord(outcome=LateOutcome.RETURNED)
APPROVED_AGAIN = LateWord(outcome=LateOutcome.APPROVED_AGAIN)
DECLINE = Scenario(outcome=Decision.DECLINED, decline_code="do_not_honor")

Recorded = tuple[ChannelTransaction, Authorization | None]


def record(
    action: Action,
    amount_minor: int | None,
    before: Authorization | None = None,
    *,
    scenario: Scenario = ORDINARY,
    capture: bool = False,
) -> Recorded:
    asked = Instruction(
        attempt_id=f"att_{action}_{amount_minor}",
        action=action,
        merchant_id="mer_1",
        amount_minor=amount_minor,
        currency_code="USD" if amount_minor else None,
        authorization_reference=before.authorization_reference if before else None,
        capture=capture,
        related_no="no_1",
    )
    return domain.record(asked, before, scenario=scenario, behaviour=BEHAVIOUR, correlation_id="cor_1", now=NIGHT)


def charge(amount_minor: int = 10_000, scenario: Scenario = ORDINARY) -> Recorded:
    return record(Action.AUTHORIZE, amount_minor, scenario=scenario, capture=True)


def turned(recorded: Recorded, word: LateWord) -> Turned:
    return turn(*recorded, word, behaviour=BEHAVIOUR, now=NEXT_DAY)


def usd(word: LateWord, amount_minor: int) -> LateWord:
    return replace(word, amount=Money(amount_minor, "USD"))


def required(authorization: Authorization | None) -> Authorization:
    assert authorization is not None
    return authorization


def told(line: ChannelLine | None) -> Any:
    return line and (str(line.operation), line.amount_minor, line.fee_minor, line.line_date)


def test_a_part_is_approved_and_is_all_that_was_authorized_and_captured() -> None:
    transaction, authorization = charge(19_013, FIXED[9013])
    # 1.5 % of 15,000 is 225.
    assert (transaction.outcome, transaction.amount_minor, transaction.fee_minor) == (Decision.APPROVED, 15_000, 225)
    held = required(authorization)
    assert (held.amount_minor, held.taken_minor, held.captured_minor) == (15_000, 15_000, 15_000)


def test_a_declined_charge_is_approved_after_all_whole_or_in_part() -> None:
    declined = charge(20_000, DECLINE)
    after = turned(declined, APPROVED)
    assert (after.transaction.outcome, after.transaction.decline_code) == (Decision.APPROVED, "")
    assert (after.transaction.line_date, after.transaction.version, after.line) == ("2026-03-02", 2, None)
    assert required(after.authorization).captured_minor == 20_000
    part = turned(declined, usd(APPROVED, 15_000))
    assert (part.transaction.amount_minor, part.transaction.fee_minor) == (15_000, 225)
    assert (required(part.authorization).amount_minor, required(part.authorization).captured_minor) == (15_000, 15_000)


def test_what_is_open_is_decided_before_its_time_and_counted_once() -> None:
    pending = charge(1_000, FIXED[9005])
    approved = turned(pending, usd(APPROVED, 400))
    held = required(approved.authorization)
    assert (held.status, held.taken_minor, held.captured_minor) == (Decision.APPROVED, 400, 400)
    assert (approved.transaction.later, approved.transaction.resolve_time) == (None, None)
    declined = turned(pending, DECLINED)
    assert (required(declined.authorization).taken_minor, declined.line) == (0, None)


def test_a_capture_bounces_and_the_acquirer_keeps_its_fee() -> None:
    bounced = turned(charge(), DECLINED)
    assert (bounced.transaction.outcome, bounced.transaction.decline_code) == (Decision.DECLINED, "reversed")
    assert (bounced.transaction.line_date, bounced.transaction.amount_minor) == ("2026-03-01", 10_000)
    held = required(bounced.authorization)
    assert (held.status, held.taken_minor, held.captured_minor) == (Decision.DECLINED, 0, 0)
    assert told(bounced.line) == ("CAPTURE_REVERSED", 10_000, 0, "2026-03-02")


def test_what_bounced_can_be_done_again_under_another_reference_alone() -> None:
    bounced = turned(charge(), DECLINED)
    with pytest.raises(OutcomeImpossible):
        turned((bounced.transaction, bounced.authorization), APPROVED)
    again = turned((bounced.transaction, bounced.authorization), APPROVED_AGAIN)
    assert told(again.line) == ("CAPTURE", 10_000, 150, "2026-03-02")
    assert (again.transaction.outcome, required(again.again).captured_minor) == (Decision.DECLINED, 10_000)


def test_one_of_several_captures_bounces() -> None:
    _, authorization = record(Action.AUTHORIZE, 1_000)
    first, after = record(Action.CAPTURE, 300, required(authorization))
    _, both = record(Action.CAPTURE, 500, required(after))
    bounced = turned((first, both), DECLINED)
    held = required(bounced.authorization)
    assert (held.status, held.taken_minor, held.captured_minor) == (Decision.APPROVED, 500, 500)


def test_a_refund_declined_then_done_goes_above_what_is_left() -> None:
    _, authorization = charge(20_000)
    declined, after = record(Action.REFUND, 20_000, required(authorization), scenario=DECLINE)
    _, refunded = record(Action.REFUND, 19_000, required(after))
    done = turned((declined, refunded), APPROVED)
    assert required(done.authorization).refunded_minor == 39_000
    assert (done.transaction.line_date, done.line) == ("2026-03-02", None)


def test_a_refund_comes_back_and_can_be_made_again() -> None:
    _, authorization = charge(20_000)
    done = record(Action.REFUND, 20_000, required(authorization))
    back = turned(done, DECLINED)
    assert required(back.authorization).kept_minor == 20_000
    assert told(back.line) == ("REFUND_RETURNED", 20_000, 0, "2026-03-02")
    assert back.line is not None
    assert back.line.original_reference == done[0].channel_reference


def test_a_payout_comes_back_short_and_its_line_says_what_came() -> None:
    returned = turned(record(Action.PAY, 20_000), usd(RETURNED, 18_500))
    assert (returned.transaction.outcome, returned.transaction.returned_minor) == (Decision.APPROVED, 18_500)
    assert returned.transaction.return_time == NEXT_DAY
    assert told(returned.line) == ("RETURN", 18_500, 0, "2026-03-02")


def test_a_payout_that_fails_after_all_comes_back_whole_and_one_that_came_back_goes_out_again() -> None:
    failed = turned(record(Action.PAY, 20_000), DECLINED)
    assert (failed.transaction.outcome, told(failed.line)) == (Decision.DECLINED, ("RETURN", 20_000, 0, "2026-03-02"))
    returned = turned(record(Action.PAY, 20_000), RETURNED)
    with pytest.raises(OutcomeImpossible):
        turned((returned.transaction, None), APPROVED)
    out = turned((returned.transaction, None), APPROVED_AGAIN)
    assert told(out.line) == ("PAY", 20_000, 0, "2026-03-02")


def test_a_charge_approved_again_is_money_of_its_own_that_can_be_given_back() -> None:
    first = charge()
    twice = turned(first, APPROVED_AGAIN)
    assert twice.authorization == first[1]
    second = required(twice.again)
    assert second.authorization_reference == twice.transaction.second_reference != first[0].channel_reference
    assert (second.captured_minor, second.kept_minor) == (10_000, 10_000)
    assert told(twice.line) == ("CAPTURE", 10_000, 150, "2026-03-02")
    refund, given_back = record(Action.REFUND, 10_000, second)
    assert (refund.outcome, required(given_back).kept_minor) == (Decision.APPROVED, 0)


def test_a_refund_and_a_payout_done_again_have_a_second_line() -> None:
    _, authorization = charge(20_000)
    refund = turned(record(Action.REFUND, 15_000, required(authorization)), APPROVED_AGAIN)
    assert (required(refund.authorization).refunded_minor, refund.again) == (30_000, None)
    assert told(refund.line) == ("REFUND", 15_000, 0, "2026-03-02")
    payout = turned(record(Action.PAY, 7_000), APPROVED_AGAIN)
    assert (payout.again, told(payout.line)) == (None, ("PAY", 7_000, 0, "2026-03-02"))


def test_a_void_declined_then_done_ends_captures_and_one_undone_allows_them_again() -> None:
    _, authorization = record(Action.AUTHORIZE, 9_018)
    declined = record(Action.CANCEL, None, required(authorization), scenario=FIXED_CANCELS[9018])
    assert (declined[0].outcome, declined[0].decline_code) == (Decision.DECLINED, "processing_error")
    done, after = domain.resolve(*declined, now=NEXT_DAY)
    assert (done.outcome, required(after).cancelled) == (Decision.APPROVED, True)
    undone = turned((done, after), DECLINED)
    assert (required(undone.authorization).cancelled, undone.line) == (False, None)
    assert record(Action.CAPTURE, 9_018, required(undone.authorization))[0].outcome is Decision.APPROVED


def test_an_authorization_undone_cannot_be_captured() -> None:
    undone = turned(record(Action.AUTHORIZE, 1_000), DECLINED)
    assert undone.line is None
    declined, _ = record(Action.CAPTURE, 1_000, required(undone.authorization))
    assert declined.decline_code == "authorization_not_approved"


def test_refunds_of_a_charge_declined_and_then_approved_are_declined_twice() -> None:
    after: Authorization | None
    _, after = domain.resolve(*charge(9_017, FIXED[9017]), now=NEXT_DAY)
    outcomes = []
    for _ in range(3):
        refund, after = record(Action.REFUND, 9_017, required(after))
        outcomes.append((str(refund.outcome), refund.decline_code))
    assert outcomes == [("DECLINED", "refund_not_allowed"), ("DECLINED", "refund_not_allowed"), ("APPROVED", "")]
    assert required(after).kept_minor == 0


@pytest.mark.parametrize(
    ("recorded", "word"),
    [
        (charge(), APPROVED),
        (charge(scenario=DECLINE), DECLINED),
        (charge(), RETURNED),
        (charge(scenario=DECLINE), APPROVED_AGAIN),
        (record(Action.PAY, 100, scenario=DECLINE), RETURNED),
        (record(Action.PAY, 100), usd(RETURNED, 101)),
    ],
)
def test_what_stands_so_already_or_cannot_be_is_refused(recorded: Recorded, word: LateWord) -> None:
    with pytest.raises(OutcomeImpossible):
        turned(recorded, word)


def test_a_second_approval_happens_once_and_none_to_a_void() -> None:
    twice = turned(charge(), APPROVED_AGAIN)
    with pytest.raises(OutcomeImpossible):
        turned((twice.transaction, twice.authorization), APPROVED_AGAIN)
    _, authorization = record(Action.AUTHORIZE, 100)
    with pytest.raises(OutcomeImpossible):
        turned(record(Action.CANCEL, None, required(authorization)), APPROVED_AGAIN)


def test_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        turned(charge(), LateWord(outcome=LateOutcome.APPROVED_AGAIN, amount=Money(100, "EUR")))


def test_an_aftereffect_says_what_its_amount_stands_for() -> None:
    paid, _ = record(Action.PAY, 20_000)
    assert word_of(paid, Aftereffect.RETURN) == RETURNED
    assert word_of(paid, Aftereffect.RETURN_SHORT) == usd(RETURNED, 18_500)
    assert word_of(paid, Aftereffect.UNDONE) == DECLINED
    assert word_of(paid, Aftereffect.APPROVED_AGAIN) == APPROVED_AGAIN
    assert word_of(paid, Aftereffect.DISPUTE_WON) is None


def test_a_later_line_is_told_with_everything_that_reconciles_it() -> None:
    bounced = turned(charge(), DECLINED)
    assert bounced.line is not None
    event = reported(bounced.line, version=bounced.transaction.version)
    assert (event.operation, event.amount_minor, event.channel_fee_minor, event.line_date) == (
        "CAPTURE_REVERSED",
        10_000,
        0,
        "2026-03-02",
    )
    assert (event.related_no, event.original_channel_reference) == ("no_1", bounced.transaction.channel_reference)
    assert event.channel_reference not in {None, bounced.transaction.channel_reference}
