"""Recorded state x later word of a payout: new state, event, what is out, and who decides, worked out by hand."""

from pathlib import Path
from typing import Any

import pytest

from paykit.channels.attempts import Evidence, EvidenceOutcome, Source
from paykit.channels.judging import LaterWord
from services.withdrawal.domain import late_rules, late_word
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.late_rules import RULES, PayoutMovement, PayoutWord
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalState
from tests.unit.withdrawal.builders import ATTEMPT_ID, LATER, withdrawal

# Of 6,000: recorded, word, state after, events, what is out after (before: nothing of what failed or was cancelled, 500
# of what came back short), kind, and whether people decide.
TABLE = """
FAILED     PAID            COMPLETED  PaidLate            6000   LATE_SUCCESS      people
FAILED     RETURNED        RETURNED   PaidLate,Returned    500   LATE_SUCCESS      people
CANCELLED  PAID            COMPLETED  PaidLate            6000   LATE_SUCCESS      people
CANCELLED  RETURNED        RETURNED   PaidLate,Returned    500   LATE_SUCCESS      people
COMPLETED  NOT_PAID        FAILED     Bounced                0   LATE_FAILURE      rule
COMPLETED  PAID_AGAIN      COMPLETED  PaidLate           12000   SECOND_REFERENCE  people
COMPLETED  NOT_PAID_AGAIN  FAILED     Bounced                0   LATE_FAILURE      rule
COMPLETED  OTHER_AMOUNT    COMPLETED  -                   6000   OTHER_AMOUNT      people
COMPLETED  RETURNED        RETURNED   Returned             500   -                 rule
COMPLETED  RETURNED_OTHER  COMPLETED  -                   6000   RETURNED          people
RETURNED   PAID            COMPLETED  PaidLate            6500   SECOND_REFERENCE  people
RETURNED   PAID_AGAIN      COMPLETED  PaidLate            6500   SECOND_REFERENCE  people
RETURNED   NOT_PAID        RETURNED   -                    500   LATE_FAILURE      people
RETURNED   OTHER_AMOUNT    RETURNED   -                    500   OTHER_AMOUNT      people
RETURNED   RETURNED_OTHER  RETURNED   -                    500   OTHER_AMOUNT      people
"""
COLUMNS = 7
"""Of the table in docs/withdrawals.md."""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def recorded(state: str, **changes: object) -> Withdrawal:
    taken_minor = {"COMPLETED": 6_000, "RETURNED": 500}.get(state, 0)
    returned_minor = 5_500 if state == "RETURNED" else None
    given = {"channel": "simulator", "channel_reference": "ch_1", "taken_minor": taken_minor}
    return withdrawal(state, **given | {"returned_minor": returned_minor} | changes)


def evidence(outcome: str, reference: str | None = "ch_2", amount_minor: int | None = None) -> Evidence:
    return Evidence(
        attempt_id=ATTEMPT_ID,
        source=Source.CALLBACK,
        outcome=EvidenceOutcome(outcome),
        channel_reference=reference,
        amount_minor=amount_minor,
        currency_code=None if amount_minor is None else "USD",
    )


def moved(before: Withdrawal, movement: PayoutMovement) -> tuple[Withdrawal, list[str]]:
    """Apply a movement as the service does, a return being 500 short."""
    heard, after = evidence("SUCCEEDED"), before
    told: list[Any] = []
    if movement in {PayoutMovement.OUT, PayoutMovement.OUT_AND_RETURN}:
        after, paid = late_word.pay_late(after, evidence=heard, now=LATER)
        told.append(paid)
    if movement is PayoutMovement.MORE:
        after = late_word.take_more(after, evidence=heard, now=LATER)
    if movement is PayoutMovement.BACK:
        after, bounced = late_word.bounce(after, evidence=evidence("FAILED"), now=LATER)
        told.append(bounced)
    if movement in {PayoutMovement.RETURN, PayoutMovement.OUT_AND_RETURN}:
        after, returned = domain.send_back(after, returned_minor=5_500, code=None, attempt_id=ATTEMPT_ID, now=LATER)
        told.append(returned)
    return after, [type(event).__name__.removeprefix("Withdrawal") for event in told if event is not None]


@pytest.mark.parametrize(("state", "word", "after_state", "told", "out_minor", "kind", "who"), ROWS)
def test_what_follows_from_a_later_word(
    *, state: str, word: str, after_state: str, told: str, out_minor: str, kind: str, who: str
) -> None:
    before = recorded(state)

    rule = late_rules.rule_of(before, PayoutWord(word))
    after, events = moved(before, rule.movement)

    assert (after.state, after.taken_minor) == (after_state, int(out_minor))
    assert events == ([] if told == "-" else told.split(","))
    assert (rule.kind or "-") == kind
    assert late_rules.needs_decision(rule, before=before, after=after) == (who == "people")


def test_the_table_has_every_rule() -> None:
    assert {(state, word) for state, word, *_ in ROWS} == set(RULES)


def test_the_documented_table_says_the_same() -> None:
    document = (Path(__file__).parents[3] / "docs/withdrawals.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in document.splitlines() if "|" in line]
    documented = [row for row in rows if len(row) == COLUMNS and row[0].startswith("`")]

    actual = [
        (recorded_, word, kind if kind != "none" else None, who.startswith("two people"))
        for recorded_, word, _, _, _, kind, who in ([cell.replace("`", "") for cell in row] for row in documented)
    ]

    expected = [(state, word, rule.kind, rule.needs_decision) for (state, word), rule in RULES.items()]
    assert actual == expected


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_what_went_out_and_came_back_as_a_whole_leaves_nothing_to_decide(state: str) -> None:
    before = recorded(state)
    out, _ = late_word.pay_late(before, evidence=evidence("RETURNED"), now=LATER)
    back, _ = domain.send_back(out, returned_minor=None, code=None, attempt_id=ATTEMPT_ID, now=LATER)

    rule = late_rules.rule_of(before, PayoutWord.RETURNED)

    assert (back.taken_minor, late_rules.needs_decision(rule, before=before, after=back)) == (0, False)


def test_what_the_ledger_has_booked_once_is_not_told_again_but_counts_where_it_is_out() -> None:
    again, paid = late_word.pay_late(recorded("FAILED", paid_late=True), evidence=evidence("SUCCEEDED"), now=LATER)
    still, bounced = late_word.bounce(recorded("COMPLETED", bounced=True), evidence=evidence("FAILED"), now=LATER)

    assert (paid, again.state, again.taken_minor, again.aggregate_version) == (None, "COMPLETED", 6_000, 1)
    assert (bounced, still.state, still.taken_minor) == (None, "COMPLETED", 6_000)
    rule = late_rules.rule_of(still, PayoutWord.NOT_PAID)
    assert late_rules.needs_decision(rule, before=still, after=still) is True


def test_more_than_was_asked_for_counts_as_out() -> None:
    more = late_word.take_more(recorded("COMPLETED"), evidence=evidence("SUCCEEDED", amount_minor=6_100), now=LATER)
    less = late_word.take_more(recorded("COMPLETED"), evidence=evidence("SUCCEEDED", amount_minor=5_900), now=LATER)
    late, _ = late_word.pay_late(recorded("FAILED"), evidence=evidence("SUCCEEDED", amount_minor=6_100), now=LATER)

    assert (more.taken_minor, less.taken_minor, late.taken_minor) == (6_100, 6_000, 6_100)


@pytest.mark.parametrize(
    ("state", "outcome", "reference", "amount_minor", "later", "word"),
    [
        ("FAILED", "SUCCEEDED", "ch_2", None, LaterWord.SUCCEEDED, "PAID"),
        ("COMPLETED", "FAILED", "ch_1", None, LaterWord.FAILED, "NOT_PAID"),
        ("COMPLETED", "SUCCEEDED", "ch_2", None, LaterWord.SECOND_REFERENCE, "PAID_AGAIN"),
        ("COMPLETED", "FAILED", "ch_2", None, LaterWord.SECOND_FAILED, "NOT_PAID_AGAIN"),
        ("COMPLETED", "SUCCEEDED", "ch_1", 5_000, LaterWord.LESS, "OTHER_AMOUNT"),
        ("COMPLETED", "SUCCEEDED", "ch_1", 7_000, LaterWord.MORE, "OTHER_AMOUNT"),
        ("COMPLETED", "SUCCEEDED", "ch_1", None, None, None),
        ("COMPLETED", "RETURNED", "ch_1", 5_500, None, "RETURNED"),
        ("FAILED", "RETURNED", "ch_1", 5_500, LaterWord.SUCCEEDED, "RETURNED"),
        ("RETURNED", "RETURNED", "ch_1", 5_500, None, None),
        ("RETURNED", "RETURNED", "ch_1", None, None, None),
        ("RETURNED", "RETURNED", "ch_1", 5_600, None, "RETURNED_OTHER"),
    ],
)
def test_what_a_word_says_of_a_payout(
    *, state: str, outcome: str, reference: str, amount_minor: int | None, later: LaterWord | None, word: str | None
) -> None:
    assert late_rules.word_of(recorded(state), evidence(outcome, reference, amount_minor), later) == word


@pytest.mark.parametrize(("reference", "word"), [("ch_1", "RETURNED_OTHER"), ("ch_0", None), (None, None)])
def test_a_return_is_of_what_was_paid_again_only_under_its_reference(reference: str | None, word: str | None) -> None:
    paid_again = recorded("COMPLETED", returned_minor=5_500)

    assert late_rules.word_of(paid_again, evidence("RETURNED", reference, 6_000), None) == word


@pytest.mark.parametrize("state", list(WithdrawalState))
def test_a_word_without_a_rule_is_left_to_people(state: WithdrawalState) -> None:
    for word in [word for word in PayoutWord if (state, word) not in RULES]:
        rule = late_rules.rule_of(recorded(state), word)

        assert (rule.movement, rule.needs_decision) == (PayoutMovement.NOTHING, True)


@pytest.mark.parametrize(
    ("taken_minor", "word", "kinds"),
    [
        (0, "NOT_PAID", {"LATE_SUCCESS", "SECOND_REFERENCE"}),
        (0, "RETURNED", {"LATE_SUCCESS", "SECOND_REFERENCE"}),
        (500, "RETURNED", set()),
        (6_000, "NOT_PAID_AGAIN", {"SECOND_REFERENCE"}),
        (6_000, "PAID", set()),
        (0, "OTHER_AMOUNT", set()),
    ],
)
def test_what_is_not_out_any_more_needs_no_decision(taken_minor: int, word: str, kinds: set[str]) -> None:
    after = recorded("COMPLETED", taken_minor=taken_minor)

    assert set(late_rules.settled_kinds(after, PayoutWord(word))) == kinds
