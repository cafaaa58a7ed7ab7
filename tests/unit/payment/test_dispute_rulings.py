"""What each word does to amounts of the dispute, capture and payment, and in the events that the ledger books."""

from dataclasses import replace
from typing import Any

import pytest

from paykit.channels.attempts import AttemptState
from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import dispute_rulings
from services.payment.domain.dispute import DisputeCase, DisputeState
from tests.unit.payment.builders import ATTEMPT_ID, CAPTURE_ID, LATER, PAYMENT_ID, captured, terms
from tests.unit.payment.disputing import (
    CHARGEBACK,
    CHARGED,
    DISPUTE_ID,
    DUE,
    FEE_MINOR,
    INQUIRY,
    LOST,
    OVERTURN_ID,
    PRE_ARBITRATION,
    WON,
    circumstances,
    opened,
    part_captured,
    reported,
)


def heard(case: DisputeCase, *words: Any) -> DisputeCase:
    """The case after more words, with the events of the last."""
    for word in words:
        case = dispute_rulings.hear(replace(case, told=()), word, circumstances())
    return case


def test_an_opened_dispute_holds_its_amount_under_the_next_version_and_costs_its_fee() -> None:
    paid = captured(terms())
    case = opened(reported(category="10.4"), paid=paid)
    assert (case.payment.disputed_minor, case.payment.aggregate_version) == (4_000, 3)
    assert (case.dispute.held_minor, case.dispute.excess_minor, case.dispute.booked) == (4_000, 0, True)
    assert case.told == (
        events.DisputeOpened(
            attempt_id=ATTEMPT_ID,
            opened_at=LATER,
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
            capture_id=CAPTURE_ID,
            stage=CHARGEBACK,
            category="10.4",
            excess_minor=0,
            fee_minor=FEE_MINOR,
        ),
    )


def test_the_fee_comes_back_with_a_dispute_that_is_won_and_stays_with_one_that_is_lost() -> None:
    won, lost = opened(reported(), reported(WON)), opened(reported(), reported(LOST))
    assert (won.told[0].fee_returned_minor, won.dispute.fee_returned_minor) == (FEE_MINOR, FEE_MINOR)  # type: ignore[union-attr]
    assert lost.dispute.fee_returned_minor == 0


def test_an_inquiry_costs_nothing_and_the_chargeback_that_follows_does() -> None:
    inquired = opened(reported(stage=INQUIRY))
    assert (inquired.dispute.fee_minor, inquired.payment.disputed_minor) == (0, 0)
    held = heard(inquired, reported(stage=CHARGEBACK, amount_minor=3_000))
    assert (held.dispute.fee_minor, held.dispute.amount_minor, held.payment.disputed_minor) == (FEE_MINOR, 3_000, 3_000)


def test_a_dispute_told_after_the_capture_bounced_holds_nothing_and_is_all_excess() -> None:
    bounced = replace(captured(terms()), reversed_minor=10_000)
    attempt = replace(CHARGED, state=AttemptState.FAILED, contradicted=True)
    case = dispute_rulings.open_case(
        bounced, None, attempt, reported(), dispute_id=DISPUTE_ID, circumstances=circumstances()
    )
    assert (case.dispute.held_minor, case.dispute.excess_minor) == (0, 4_000)
    never = replace(attempt, contradicted=False)
    with pytest.raises(IllegalTransition):
        dispute_rulings.open_case(
            bounced, None, never, reported(), dispute_id=DISPUTE_ID, circumstances=circumstances()
        )


@pytest.mark.parametrize(
    ("spent", "held_minor"),
    [
        ({}, 10_000),
        ({"refunded_minor": 2_000}, 8_000),
        ({"refunding_minor": 2_000, "refunded_minor": 1_000}, 7_000),
        ({"disputed_minor": 9_999}, 1),
        ({"refunded_minor": 5_000, "disputed_minor": 5_000}, 0),
    ],
)
def test_what_is_left_is_held_and_what_is_above_is_recorded(spent: dict[str, Any], held_minor: int) -> None:
    paid = replace(captured(terms()), **spent)
    case = opened(reported(amount_minor=10_001), paid=paid)
    assert (case.dispute.held_minor, case.dispute.excess_minor) == (held_minor, 10_001 - held_minor)
    assert (case.dispute.respond_by, case.dispute.state) == (DUE, DisputeState.OPENED)
    spent_minor = spent.get("refunded_minor", 0) + spent.get("refunding_minor", 0)
    assert case.payment.disputed_minor == 10_000 - spent_minor


def test_the_second_dispute_of_the_first_of_two_captures_is_above_what_is_left_of_it() -> None:
    first, paid = part_captured(1_000), replace(captured(terms()), captured_minor=2_000)
    once = opened(reported(amount_minor=1_000), paid=paid, capture=first)
    again = opened(reported(amount_minor=1_000), paid=once.payment, capture=once.capture)
    assert (once.dispute.held_minor, once.dispute.excess_minor) == (1_000, 0)
    assert (again.dispute.held_minor, again.dispute.excess_minor) == (0, 1_000)
    # The second capture is untouched, and can be disputed in full.
    other = opened(reported(amount_minor=1_000), paid=again.payment, capture=part_captured(1_000, "cap_" + "9" * 32))
    assert (other.dispute.held_minor, other.payment.disputed_minor) == (1_000, 2_000)


def lost_parts(event: Any) -> tuple[int, int, int, int]:
    """What a DisputeLost says: lost and returned of what was held, lost and returned of the excess."""
    returned, owed, spared = event.returned_minor, event.excess_lost_minor, event.excess_returned_minor
    return event.amount_minor - returned - owed - spared, returned, owed, spared


@pytest.mark.parametrize(
    ("refunded_minor", "lost_minor", "parts", "counted_minor", "owed_minor"),
    [
        (0, 5_000, (5_000, 0, 0, 0), 5_000, 0),
        (0, 2_000, (2_000, 3_000, 0, 0), 2_000, 0),
        (7_000, 5_000, (3_000, 0, 2_000, 0), 3_000, 2_000),
        (7_000, 4_000, (3_000, 0, 1_000, 1_000), 3_000, 1_000),
        (7_000, 2_000, (2_000, 1_000, 0, 2_000), 2_000, 0),
        (10_000, 5_000, (0, 0, 5_000, 0), 0, 5_000),
    ],
)
def test_a_dispute_of_5_000_is_lost_in_full_or_in_part(
    refunded_minor: int, lost_minor: int, parts: tuple[int, int, int, int], counted_minor: int, owed_minor: int
) -> None:
    paid = replace(captured(terms()), refunded_minor=refunded_minor)
    case = opened(reported(amount_minor=5_000), reported(LOST, lost_minor), paid=paid)
    assert lost_parts(case.told[0]) == parts
    assert (case.dispute.counted_minor, case.payment.disputed_minor) == (counted_minor, counted_minor)
    assert (case.dispute.lost_minor, case.dispute.owed_minor) == (lost_minor, owed_minor)
    assert case.payment.lost_minor == counted_minor


def test_won_for_a_part_the_rest_is_lost() -> None:
    case = opened(reported(amount_minor=5_000), reported(WON, 2_000))
    assert (lost_parts(case.told[0]), case.dispute.state) == ((3_000, 2_000, 0, 0), DisputeState.LOST)


def test_what_is_lost_beyond_what_was_disputed_is_a_decision_of_its_own() -> None:
    case = opened(reported(amount_minor=5_000), reported(LOST, 7_000))
    contradicted, lost, overturned = case.told
    assert isinstance(contradicted, events.DisputeContradicted)
    assert lost_parts(lost) == (5_000, 0, 0, 0)
    assert isinstance(overturned, events.DisputeOverturned)
    assert (overturned.outcome, overturned.amount_minor) == (events.DisputeDecision.LOST, 2_000)
    assert (overturned.settlement_minor, overturned.receivable_minor) == (2_000, 0)
    assert (case.dispute.lost_minor, case.payment.disputed_minor) == (7_000, 7_000)
    assert overturned.aggregate_version == lost.aggregate_version + 1


def overturned_parts(case: DisputeCase) -> tuple[str, int, int, int]:
    event = case.told[-1]
    assert isinstance(event, events.DisputeOverturned)
    assert (event.overturn_id, event.dispute_id) == (OVERTURN_ID, DISPUTE_ID)
    return event.outcome, event.amount_minor, event.settlement_minor, event.receivable_minor


def test_lost_then_won_comes_back_and_can_be_refunded_again() -> None:
    case = opened(reported(), reported(LOST), reported(WON))
    assert overturned_parts(case) == ("WON", 4_000, 4_000, 0)
    assert (case.dispute.state, case.dispute.lost_minor, case.payment.disputed_minor) == (DisputeState.WON, 0, 0)
    assert case.payment.lost_minor == 0


def test_won_then_lost_goes_after_all() -> None:
    case = opened(reported(), reported(WON), reported(LOST))
    assert overturned_parts(case) == ("LOST", 4_000, 4_000, 0)
    assert (case.dispute.state, case.dispute.lost_minor, case.payment.disputed_minor) == (
        DisputeState.LOST,
        4_000,
        4_000,
    )


def test_won_refunded_and_lost_after_all_the_merchant_owes_what_is_not_there() -> None:
    won = opened(reported(), reported(WON))
    refunded = replace(won, payment=replace(won.payment, refunded_minor=9_000))
    lost = heard(refunded, reported(LOST))
    assert overturned_parts(lost) == ("LOST", 4_000, 1_000, 3_000)
    assert (lost.dispute.owed_minor, lost.payment.disputed_minor) == (3_000, 1_000)
    # Won once more, what is owed is owed no more, and the rest comes back.
    assert overturned_parts(heard(lost, reported(WON))) == ("WON", 4_000, 1_000, 3_000)


def test_part_of_a_loss_comes_back_and_what_is_owed_first() -> None:
    paid = replace(captured(terms()), refunded_minor=7_000)
    lost = opened(reported(amount_minor=5_000), reported(LOST, 5_000), paid=paid)
    less = heard(lost, reported(LOST, 2_500))
    assert overturned_parts(less) == ("WON", 2_500, 500, 2_000)
    assert (less.dispute.lost_minor, less.dispute.owed_minor, less.payment.disputed_minor) == (2_500, 0, 2_500)


def test_pre_arbitration_counts_in_limits_alone_until_it_is_decided() -> None:
    counted = opened(reported(), reported(WON), reported(stage=PRE_ARBITRATION))
    assert (counted.told, counted.payment.disputed_minor, counted.dispute.booked) == ((), 4_000, False)
    assert overturned_parts(heard(counted, reported(LOST))) == ("LOST", 4_000, 4_000, 0)
    assert heard(counted, reported(WON)).payment.disputed_minor == 0
    accepted = dispute_rulings.accept(replace(counted, told=()), circumstances(accepted=True))
    assert overturned_parts(accepted) == ("LOST", 4_000, 4_000, 0)
    assert accepted.dispute.accepted


def test_a_claim_that_grows_counts_at_once_and_one_that_shrinks_stays_held_until_it_is_decided() -> None:
    grown = opened(reported(), reported(amount_minor=5_000))
    assert (grown.payment.disputed_minor, grown.dispute.held_minor) == (5_000, 4_000)
    assert [type(event).__name__ for event in grown.told] == ["DisputeContradicted"]
    assert heard(grown, reported(WON, 5_000)).payment.disputed_minor == 0
    shrunk = opened(reported(), reported(amount_minor=3_000))
    assert (shrunk.payment.disputed_minor, shrunk.dispute.claimed_minor) == (4_000, 3_000)
    assert lost_parts(heard(shrunk, reported(LOST, 3_000)).told[0]) == (3_000, 1_000, 0, 0)


def test_a_refund_that_failed_meanwhile_leaves_room_for_the_excess_in_the_limits() -> None:
    paid = replace(captured(terms()), refunding_minor=10_000)
    held = opened(paid=paid)
    assert (held.dispute.held_minor, held.dispute.excess_minor) == (0, 4_000)
    freed = replace(held, payment=replace(held.payment, refunding_minor=0))
    lost = heard(freed, reported(LOST))
    assert lost_parts(lost.told[0]) == (0, 0, 4_000, 0)
    assert (lost.payment.disputed_minor, lost.dispute.owed_minor) == (4_000, 4_000)
