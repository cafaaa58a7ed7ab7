"""Every word of a channel against everything recorded: state, limits, what the ledger is told, and what disagrees."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from paykit.contradictions.contradiction import ContradictionKind, ContradictionState
from paystream.payment.v1 import events
from services.payment.domain import dispute_rulings, dispute_words
from services.payment.domain.dispute import DisputeCase, DisputeState, Reported
from services.payment.domain.disputing.dispute_words import DisputeStanding, DisputeWord
from tests.unit.payment.builders import LATER, NOON
from tests.unit.payment.disputing import (
    CHARGEBACK,
    INQUIRY,
    LOST,
    OPENED,
    PRE_ARBITRATION,
    WON,
    circumstances,
    opened,
    reported,
)

SAID: dict[str, Reported] = {
    "INQUIRY": reported(stage=INQUIRY),
    "CHARGEBACK": reported(stage=CHARGEBACK),
    "PRE_ARBITRATION": reported(stage=PRE_ARBITRATION),
    "WON": reported(WON),
    "LOST": reported(LOST),
}
# What leads to each standing, of 4,000 disputed of 10,000.
BEFORE: dict[str, tuple[str, ...]] = {
    "NONE": (),
    "INQUIRED": ("INQUIRY",),
    "CLOSED": ("INQUIRY", "WON"),
    "HELD": ("CHARGEBACK",),
    "COUNTED": ("WON", "PRE_ARBITRATION"),
    "WON": ("CHARGEBACK", "WON"),
    "LOST": ("CHARGEBACK", "LOST"),
}


class After(NamedTuple):
    """What a word leaves: the state, what counts in limits, and the events."""

    state: str
    counted_minor: int
    told: str


OPENS, LOSES, WINS, TURNS = "DisputeOpened", "DisputeLost", "DisputeWon", "DisputeOverturned"
MARKS = "DisputeContradicted"
TABLE: dict[tuple[str, str], After] = {
    ("NONE", "INQUIRY"): After("OPENED", 0, "DisputeInquiryOpened"),
    ("NONE", "CHARGEBACK"): After("OPENED", 4_000, OPENS),
    ("NONE", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("NONE", "WON"): After("WON", 0, f"{OPENS} {WINS}"),
    ("NONE", "LOST"): After("LOST", 4_000, f"{OPENS} {LOSES}"),
    ("INQUIRED", "INQUIRY"): After("OPENED", 0, ""),
    ("INQUIRED", "CHARGEBACK"): After("OPENED", 4_000, OPENS),
    ("INQUIRED", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("INQUIRED", "WON"): After("CLOSED", 0, ""),
    ("INQUIRED", "LOST"): After("LOST", 4_000, f"{OPENS} {LOSES}"),
    ("CLOSED", "INQUIRY"): After("CLOSED", 0, ""),
    ("CLOSED", "CHARGEBACK"): After("OPENED", 4_000, OPENS),
    ("CLOSED", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("CLOSED", "WON"): After("CLOSED", 0, ""),
    ("CLOSED", "LOST"): After("LOST", 4_000, f"{OPENS} {LOSES}"),
    ("HELD", "INQUIRY"): After("OPENED", 4_000, ""),
    ("HELD", "CHARGEBACK"): After("OPENED", 4_000, ""),
    ("HELD", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("HELD", "WON"): After("WON", 0, WINS),
    ("HELD", "LOST"): After("LOST", 4_000, LOSES),
    ("COUNTED", "INQUIRY"): After("OPENED", 4_000, ""),
    ("COUNTED", "CHARGEBACK"): After("OPENED", 4_000, ""),
    ("COUNTED", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("COUNTED", "WON"): After("WON", 0, ""),
    ("COUNTED", "LOST"): After("LOST", 4_000, TURNS),
    ("WON", "INQUIRY"): After("WON", 0, ""),
    ("WON", "CHARGEBACK"): After("WON", 0, ""),
    ("WON", "PRE_ARBITRATION"): After("OPENED", 4_000, ""),
    ("WON", "WON"): After("WON", 0, ""),
    ("WON", "LOST"): After("LOST", 4_000, f"{MARKS} {TURNS}"),
    ("LOST", "INQUIRY"): After("LOST", 4_000, ""),
    ("LOST", "CHARGEBACK"): After("LOST", 4_000, ""),
    ("LOST", "PRE_ARBITRATION"): After("LOST", 4_000, ""),
    ("LOST", "WON"): After("WON", 0, f"{MARKS} {TURNS}"),
    ("LOST", "LOST"): After("LOST", 4_000, ""),
}


def stand(standing: str, *words: Reported) -> DisputeCase:
    return opened(*(SAID[word] for word in BEFORE[standing]), *words)


@pytest.mark.parametrize(("standing", "word"), list(itertools.product(DisputeStanding, DisputeWord)))
def test_every_word_against_everything_recorded(standing: DisputeStanding, word: DisputeWord) -> None:
    if standing is not DisputeStanding.NONE:
        assert dispute_words.standing(stand(standing).dispute) is standing
    case = stand(standing, SAID[word])
    told = " ".join(type(event).__name__ for event in case.told)
    after = After(case.dispute.state, case.dispute.counted_minor, told)
    assert after == TABLE[standing, word]
    assert case.payment.disputed_minor == after.counted_minor


@pytest.mark.parametrize("word", list(DisputeWord))
@pytest.mark.parametrize("standing", list(DisputeStanding))
def test_only_another_decision_marks_a_dispute(standing: DisputeStanding, word: DisputeWord) -> None:
    contradicted = stand(standing, SAID[word]).dispute.contradicted
    assert contradicted is ((standing, word) in {("WON", "LOST"), ("LOST", "WON")})


KINDS = ContradictionKind


@pytest.mark.parametrize(
    ("standing", "said", "kind", "needs_decision"),
    [
        ("HELD", {"attempt_id": "att_" + "9" * 32}, KINDS.SECOND_REFERENCE, True),
        ("HELD", {"currency_code": "JPY"}, KINDS.OTHER_AMOUNT, True),
        ("WON", {"currency_code": "JPY", "outcome": LOST}, KINDS.OTHER_AMOUNT, True),
        ("HELD", {"outcome": WON, "amount_minor": 4_001}, KINDS.OTHER_AMOUNT, True),
        ("LOST", {"outcome": WON, "amount_minor": 4_001}, KINDS.OTHER_AMOUNT, True),
        ("HELD", {"outcome": WON, "amount_minor": 3_999}, None, False),
        ("HELD", {"outcome": LOST, "amount_minor": 3_999}, None, False),
        ("HELD", {"outcome": LOST, "amount_minor": 4_001}, KINDS.OTHER_AMOUNT, False),
        ("HELD", {"amount_minor": 3_000}, KINDS.OTHER_AMOUNT, False),
        ("WON", {"outcome": LOST, "amount_minor": 1}, KINDS.DECISION_OVERTURNED, False),
        ("LOST", {"outcome": LOST, "amount_minor": 1}, KINDS.DECISION_OVERTURNED, False),
        ("LOST", {"outcome": WON}, KINDS.DECISION_OVERTURNED, False),
        ("COUNTED", {"outcome": LOST}, None, False),
        ("INQUIRED", {"amount_minor": 3_000, "stage": CHARGEBACK}, None, False),
    ],
)
def test_what_disagrees_and_what_only_two_people_can_decide(
    standing: str, said: dict[str, Any], kind: KINDS | None, *, needs_decision: bool
) -> None:
    before, word = stand(standing), reported(**said)
    disagreement = dispute_words.disagrees(before.dispute, word)
    assert (disagreement and disagreement.kind, bool(disagreement and disagreement.needs_decision)) == (
        kind,
        needs_decision,
    )
    after = dispute_rulings.hear(replace(before, told=()), word, circumstances())
    assert after.dispute.contradicted is (kind is not None)
    assert (after.contradiction and after.contradiction.kind) == kind
    if needs_decision:
        [event] = after.told
        assert isinstance(event, events.DisputeContradicted)
        assert (event.needs_decision, event.aggregate_version) == (True, before.payment.aggregate_version + 1)
        assert after.contradiction is not None
        assert after.contradiction.state is ContradictionState.OPEN
        assert (after.payment.disputed_minor, after.dispute.state) == (
            before.payment.disputed_minor,
            before.dispute.state,
        )


def test_what_happened_before_the_decision_on_record_changes_nothing() -> None:
    lost = opened(reported(LOST, occur_time=NOON + timedelta(hours=2)))
    late = dispute_rulings.hear(lost, reported(WON, occur_time=NOON + timedelta(hours=1)), circumstances())
    assert late == lost
    later = dispute_rulings.hear(lost, reported(WON, occur_time=NOON + timedelta(hours=3)), circumstances())
    assert later.dispute.state is DisputeState.WON


@pytest.mark.parametrize("said", [LATER + timedelta(days=1, microseconds=1), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_time_that_is_still_far_off_is_that_of_hearing_and_puts_no_decision_into_the_past(said: datetime) -> None:
    lost = opened(reported(LOST, occur_time=said))
    assert lost.dispute.word_time == LATER
    late = dispute_rulings.hear(lost, reported(WON, occur_time=LATER - timedelta(hours=1)), circumstances())
    assert late == lost
    won = dispute_rulings.hear(lost, reported(WON, occur_time=LATER + timedelta(hours=1)), circumstances())
    assert (won.dispute.state, won.dispute.word_time) == (DisputeState.WON, LATER + timedelta(hours=1))


def test_a_channel_s_clock_may_be_a_day_ahead() -> None:
    lost = opened(reported(LOST, occur_time=LATER + timedelta(days=1)))
    assert lost.dispute.word_time == LATER + timedelta(days=1)


def test_a_decision_of_a_stage_that_was_left_is_of_the_past() -> None:
    counted = stand("COUNTED")
    assert dispute_rulings.hear(counted, reported(WON, stage=CHARGEBACK), circumstances()) == counted
    assert dispute_rulings.hear(counted, reported(LOST, stage=CHARGEBACK), circumstances()) == counted
    held = stand("HELD")
    assert dispute_rulings.hear(held, reported(WON, stage=INQUIRY), circumstances()) == held


def test_a_chargeback_whose_winning_is_told_in_pre_arbitration_is_won_and_goes_on_counting() -> None:
    escalated = opened(SAID["CHARGEBACK"], SAID["PRE_ARBITRATION"])
    assert (escalated.dispute.stage, escalated.dispute.booked) == (PRE_ARBITRATION, True)
    won = dispute_rulings.hear(replace(escalated, told=()), reported(WON, stage=CHARGEBACK), circumstances())
    assert [type(event).__name__ for event in won.told] == ["DisputeWon"]
    assert (won.dispute.state, won.dispute.booked, won.payment.disputed_minor) == ("OPENED", False, 4_000)
    assert won.dispute.stage is PRE_ARBITRATION
    in_part = dispute_rulings.hear(escalated, reported(WON, 3_000, stage=CHARGEBACK), circumstances())
    assert (in_part.dispute.state, in_part.dispute.lost_minor, in_part.dispute.stage) == (
        "LOST",
        1_000,
        PRE_ARBITRATION,
    )


def test_an_inquiry_that_is_heard_of_when_it_has_ended_is_closed() -> None:
    closed = opened(reported(WON, stage=INQUIRY))
    assert (closed.dispute.state, closed.payment.disputed_minor) == ("CLOSED", 0)
    assert [type(event).__name__ for event in closed.told] == ["DisputeInquiryOpened"]


@pytest.mark.parametrize("standing", ["INQUIRED", "CLOSED"])
@pytest.mark.parametrize("stage", [CHARGEBACK, PRE_ARBITRATION])
def test_a_dispute_that_is_heard_of_after_its_inquiry_when_it_was_won_is_won(
    standing: str, stage: events.DisputeStage
) -> None:
    won = dispute_rulings.hear(replace(stand(standing), told=()), reported(WON, stage=stage), circumstances())
    assert (won.dispute.state, won.dispute.stage, won.payment.disputed_minor) == ("WON", stage, 0)
    assert [type(event).__name__ for event in won.told] == [OPENS, WINS]


WORDS = [
    reported(outcome, amount_minor, stage=stage)
    for outcome in (OPENED, WON, LOST)
    for stage in (None, INQUIRY, CHARGEBACK, PRE_ARBITRATION)
    for amount_minor in (4_000, 3_000)
]


@pytest.mark.parametrize("first", range(len(WORDS)))
def test_whatever_three_words_say_the_table_takes_what_they_lead_to(first: int) -> None:
    """By the constraints of `dispute` (payment_0003, payment_0007)."""
    begun = opened(WORDS[first])
    for words in itertools.product(WORDS, repeat=2):
        case = begun
        for word in words:
            case = dispute_rulings.hear(replace(case, told=(), contradiction=None), word, circumstances())
            row = case.dispute
            numbers = row.held_minor, row.counted_minor, row.lost_minor, row.fee_minor
            held = {
                "closed is an inquiry": row.state is not DisputeState.CLOSED or row.stage is INQUIRY,
                "booked is open": not row.booked or row.state in {DisputeState.OPENED, DisputeState.CONTESTED},
                "lost lost something": (row.state is DisputeState.LOST) == (row.lost_minor > 0),
                "inquiry holds nothing": row.stage is not INQUIRY or (not row.booked and max(numbers) == 0),
                "held within amount": min(row.held_minor, row.excess_minor) >= 0
                and row.held_minor + row.excess_minor <= row.amount_minor,
                "claims something": row.claimed_minor >= 1,
                "counts no less than nothing": row.counted_minor >= 0,
                "owed within lost": 0 <= row.owed_minor <= row.lost_minor,
                "fee returned within fee": 0 <= row.fee_returned_minor <= row.fee_minor,
            }
            assert all(held.values()), (WORDS[first], *words, [rule for rule, holds in held.items() if not holds])


def test_a_decision_of_a_later_stage_is_no_contradiction() -> None:
    won = stand("WON")
    lost = dispute_rulings.hear(replace(won, told=()), reported(LOST, stage=PRE_ARBITRATION), circumstances())
    assert [type(event).__name__ for event in lost.told] == ["DisputeOverturned"]
    assert (lost.dispute.state, lost.dispute.stage, lost.dispute.contradicted) == ("LOST", PRE_ARBITRATION, False)
    # The beginning of that stage, told late, is of the past.
    assert dispute_rulings.hear(lost, reported(stage=PRE_ARBITRATION), circumstances()).dispute == lost.dispute


def test_an_opening_without_a_stage_is_a_chargeback() -> None:
    assert dispute_words.word(reported(OPENED, stage=None)) is DisputeWord.CHARGEBACK
