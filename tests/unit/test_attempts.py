"""What evidence proves about an attempt, in every state."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from paykit.channels import attempts, judging
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import (
    Attempt,
    AttemptNotFound,
    AttemptState,
    ChannelAmountMismatch,
    Evidence,
    EvidenceOutcome,
    Source,
    Verdict,
)
from paykit.errors import IllegalTransition

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
ATTEMPT_ID = "att_" + "4" * 32

# Rows: the state; columns: SUCCEEDED RETURNED FAILED PENDING NO_ANSWER NOT_FOUND (not final) ACTION_REQUIRED (of what
# waits for no payer, as a payout; of the rest: test_payer_actions.py); "-" is refused.
TABLE = """
PENDING         -           -           -           -            -            -            -
STARTED         SUCCEED     SUCCEED     FAIL        LOSE_ANSWER  LOSE_ANSWER  LOSE_ANSWER  LOSE_ANSWER
UNKNOWN         SUCCEED     SUCCEED     FAIL        WAIT         WAIT         WAIT         WAIT
ACTION_REQUIRED SUCCEED     SUCCEED     FAIL        LOSE_ANSWER  WAIT         WAIT         WAIT
SUCCEEDED       CONFIRM     CONFIRM     CONTRADICT  CONFIRM      CONFIRM      CONFIRM      CONFIRM
FAILED          CONTRADICT  CONTRADICT  CONFIRM     CONFIRM      CONFIRM      CONFIRM      CONFIRM
"""
OUTCOMES = ["SUCCEEDED", "RETURNED", "FAILED", "PENDING", "NO_ANSWER", "NOT_FOUND", "ACTION_REQUIRED"]
CELLS = [
    (row[0], outcome, verdict)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for outcome, verdict in zip(OUTCOMES, row[1:], strict=True)
]


def attempt_in(state: str = "STARTED", **changes: Any) -> Attempt:
    given: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "action": "PAY",
        "channel": "simulator",
        "amount_minor": 10_000,
        "currency_code": "USD",
        "create_time": NOON,
        "update_time": NOON,
        "state": AttemptState(state),
    }
    return Attempt(**given | changes)


def evidence(outcome: str, source: Source = Source.INQUIRY, **changes: Any) -> Evidence:
    return Evidence(attempt_id=ATTEMPT_ID, source=source, outcome=EvidenceOutcome(outcome), **changes)


@pytest.mark.parametrize(("state", "outcome", "verdict"), CELLS)
def test_every_outcome_in_every_state(state: str, outcome: str, verdict: str) -> None:
    if verdict != "-":
        assert judging.judge(attempt_in(state), evidence(outcome)) == verdict
        return
    with pytest.raises(IllegalTransition) as refused:
        judging.judge(attempt_in(state), evidence(outcome))
    assert refused.value.metadata == {"state": "PENDING", "action": "REPORT"}


def test_the_table_names_every_state_and_outcome() -> None:
    assert {(state, outcome) for state, outcome, _ in CELLS} == set(itertools.product(AttemptState, EvidenceOutcome))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        *((state, "FAIL") for state in ("STARTED", "UNKNOWN", "ACTION_REQUIRED")),
        ("SUCCEEDED", "CONFIRM"),
        ("FAILED", "CONFIRM"),
    ],
)
def test_a_final_not_found_proves_failure_of_what_is_open(state: str, verdict: str) -> None:
    assert judging.judge(attempt_in(state), evidence("NOT_FOUND", final=True)) == verdict


@pytest.mark.parametrize(("age_s", "final"), [(61.99, False), (62.0, True), (0.0, False)])
def test_not_found_is_final_only_after_the_finality_and_the_time_to_send(age_s: float, *, final: bool) -> None:
    # The channel declares 60 s; the attempt may have left 2 s after it was claimed.
    assert attempts.not_found_is_final(age_s=age_s, finality_s=60) is final


def test_one_attempt_under_two_references_is_a_contradiction() -> None:
    before = attempt_in("SUCCEEDED", channel_reference="ch_1")

    assert judging.judge(before, evidence("SUCCEEDED", channel_reference="ch_1")) is Verdict.CONFIRM
    assert judging.judge(before, evidence("SUCCEEDED", channel_reference="ch_2")) is Verdict.CONTRADICT


def test_a_report_in_another_currency_is_refused() -> None:
    judging.judge(attempt_in(), evidence("SUCCEEDED", amount_minor=10_000, currency_code="USD"))

    with pytest.raises(ChannelAmountMismatch) as refused:
        judging.judge(attempt_in(), evidence("SUCCEEDED", amount_minor=10_000, currency_code="JPY"))
    assert refused.value.metadata == {"amount_minor": "10000", "currency_code": "USD"}


@pytest.mark.parametrize(("amount_minor", "approved_minor"), [(10_000, None), (9_000, 9_000), (11_000, 11_000)])
def test_another_amount_is_evidence(amount_minor: int, approved_minor: int | None) -> None:
    told = evidence("SUCCEEDED", channel_reference="ch_1", amount_minor=amount_minor, currency_code="USD")

    assert judging.judge(attempt_in(), told) is Verdict.SUCCEED
    after = judging.decide(attempt_in(), told, Verdict.SUCCEED, failure_reason=None, now=LATER)

    assert (after.approved_minor, after.carried_out_minor) == (approved_minor, amount_minor)
    assert judging.judge(after, told) is Verdict.CONFIRM


# What is recorded of an attempt over 10,000 under ch_1 that SUCCEEDED or FAILED; and what is said then.
LATER_WORDS: list[tuple[str, dict[str, Any], dict[str, Any], str | None]] = [
    ("FAILED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_1"}, "SUCCEEDED"),
    ("FAILED", {}, {"outcome": "RETURNED", "channel_reference": "ch_1"}, "SUCCEEDED"),
    ("FAILED", {}, {"outcome": "FAILED", "failure_code": "Y"}, None),
    ("FAILED", {}, {"outcome": "NOT_FOUND", "final": True}, None),
    ("SUCCEEDED", {}, {"outcome": "FAILED", "failure_code": "X"}, "FAILED"),
    ("SUCCEEDED", {}, {"outcome": "FAILED", "channel_reference": "ch_1"}, "FAILED"),
    ("SUCCEEDED", {}, {"outcome": "FAILED", "channel_reference": "ch_9"}, None),
    ("SUCCEEDED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_1"}, None),
    ("SUCCEEDED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_2"}, "SECOND_REFERENCE"),
    ("SUCCEEDED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_1", "amount_minor": 10_000}, None),
    ("SUCCEEDED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_1", "amount_minor": 9_999}, "LESS"),
    ("SUCCEEDED", {}, {"outcome": "SUCCEEDED", "channel_reference": "ch_1", "amount_minor": 10_001}, "MORE"),
    ("SUCCEEDED", {"approved_minor": 9_999}, {"outcome": "SUCCEEDED", "amount_minor": 9_999}, None),
    ("SUCCEEDED", {"approved_minor": 9_999}, {"outcome": "SUCCEEDED"}, None),
    ("SUCCEEDED", {"approved_minor": 9_999}, {"outcome": "SUCCEEDED", "amount_minor": 10_000}, "MORE"),
    ("SUCCEEDED", {}, {"outcome": "RETURNED", "amount_minor": 8_500}, None),
    ("SUCCEEDED", {}, {"outcome": "PENDING"}, None),
]


@pytest.mark.parametrize(("state", "changes", "said", "word"), LATER_WORDS)
def test_what_is_said_later_is_against_the_record_or_not(
    state: str, changes: dict[str, Any], said: dict[str, Any], word: str | None
) -> None:
    before = attempt_in(state, channel_reference="ch_1", **changes)
    told = evidence(**{"currency_code": "USD"} | said)

    assert judging.later_word(before, told) == word
    assert judging.judge(before, told) is (Verdict.CONTRADICT if word else Verdict.CONFIRM)


def test_every_later_word_is_said_above_but_the_one_that_needs_a_second_reference_first() -> None:
    assert {word for *_, word in LATER_WORDS} == {None, *judging.LaterWord} - {judging.LaterWord.SECOND_FAILED}
    before, second = attempt_in("SUCCEEDED", channel_reference="ch_1"), evidence("SUCCEEDED", channel_reference="ch_2")
    heard = [second]
    undone = evidence("FAILED", channel_reference="ch_2")
    assert judging.later_word(before, undone, heard) is judging.LaterWord.SECOND_FAILED


def test_a_failure_keeps_the_channels_code_and_the_services_reason() -> None:
    told = evidence("FAILED", failure_code="do_not_honor")

    after = judging.decide(attempt_in(), told, Verdict.FAIL, failure_reason="DECLINED", now=LATER)

    assert (after.state, after.failure_reason, after.failure_code) == ("FAILED", "DECLINED", "do_not_honor")
    assert (after.inquiry_count, after.update_time) == (1, LATER)


def test_only_a_failure_has_a_reason() -> None:
    told = evidence("SUCCEEDED", failure_code="do_not_honor", channel_reference="ch_1")

    after = judging.decide(attempt_in(), told, Verdict.SUCCEED, failure_reason="DECLINED", now=LATER)

    assert (after.state, after.channel_reference, after.failure_reason, after.failure_code) == (
        "SUCCEEDED",
        "ch_1",
        None,
        None,
    )


def test_what_contradicts_is_believed_from_then_on_and_marks_the_attempt() -> None:
    before = attempt_in("FAILED", failure_reason="DECLINED", failure_code="X")
    told = evidence("SUCCEEDED", channel_reference="ch_9", amount_minor=9_000, currency_code="USD")

    after = judging.decide(before, told, Verdict.CONTRADICT, failure_reason=None, now=LATER)
    undone = judging.decide(
        after, evidence("FAILED", failure_code="Y"), Verdict.CONTRADICT, failure_reason="DECLINED", now=LATER
    )

    assert (after.state, after.contradicted, after.channel_reference, after.carried_out_minor) == (
        *("SUCCEEDED", True),
        *("ch_9", 9_000),
    )
    assert (after.failure_reason, after.failure_code) == (None, None)
    assert (undone.state, undone.contradicted, undone.failure_reason, undone.failure_code) == (
        *("FAILED", True),
        *("DECLINED", "Y"),
    )


def test_what_came_under_a_second_reference_leaves_the_attempt_as_it_is() -> None:
    before = attempt_in("SUCCEEDED", channel_reference="ch_1")

    after = judging.decide(
        before, evidence("SUCCEEDED", channel_reference="ch_2"), Verdict.CONTRADICT, failure_reason=None, now=LATER
    )

    assert (after.state, after.channel_reference, after.contradicted) == ("SUCCEEDED", "ch_1", True)


def test_a_word_told_again_however_late_changes_nothing() -> None:
    declined = attempt_in("FAILED", failure_reason="DECLINED", failure_code="X")
    approved, log = evidence("SUCCEEDED", channel_reference="ch_1"), EvidenceLog()
    log.add(declined, approved, Verdict.CONTRADICT)
    after = judging.decide(declined, approved, Verdict.CONTRADICT, failure_reason=None, now=LATER)

    for stale in (
        evidence("FAILED", failure_code="X"),
        evidence("FAILED", failure_code="X", channel_reference="ch_1"),
        evidence("SUCCEEDED", channel_reference="ch_1", amount_minor=10_000, currency_code="USD"),
    ):
        assert judging.weigh({ATTEMPT_ID: after}, stale, log.heard) == (after, Verdict.CONFIRM)
    bounced = evidence("FAILED", failure_code="charged_back", channel_reference="ch_1")
    assert judging.weigh({ATTEMPT_ID: after}, bounced, log.heard) == (after, Verdict.CONTRADICT)


def test_only_inquiries_are_counted() -> None:
    silent = evidence("NO_ANSWER", Source.RESPONSE)
    lost = judging.decide(attempt_in(), silent, Verdict.LOSE_ANSWER, failure_reason=None, now=LATER)
    asked = judging.decide(lost, evidence("PENDING"), Verdict.WAIT, failure_reason=None, now=LATER)

    assert (lost.state, lost.inquiry_count, asked.state, asked.inquiry_count) == ("UNKNOWN", 0, "UNKNOWN", 1)


@pytest.mark.parametrize(
    ("outcome", "source", "verdict", "kept"),
    [
        ("SUCCEEDED", Source.RESPONSE, Verdict.SUCCEED, False),
        ("SUCCEEDED", Source.RESPONSE, Verdict.CONTRADICT, True),
        ("SUCCEEDED", Source.CALLBACK, Verdict.CONFIRM, True),
        ("RETURNED", Source.CALLBACK, Verdict.CONFIRM, True),
        ("FAILED", Source.INQUIRY, Verdict.FAIL, True),
        ("NOT_FOUND", Source.INQUIRY, Verdict.WAIT, False),
        ("NOT_FOUND", Source.INQUIRY, Verdict.FAIL, True),
        ("PENDING", Source.INQUIRY, Verdict.WAIT, False),
    ],
)
def test_evidence_is_kept_when_it_tells_more_than_the_attempt_itself(
    outcome: str, source: Source, verdict: Verdict, *, kept: bool
) -> None:
    assert attempts.worth_keeping(evidence(outcome, source), verdict) is kept


def test_evidence_is_weighed_against_its_attempt_and_noted_if_it_is_kept() -> None:
    before = attempt_in("SUCCEEDED", channel_reference="ch_1")
    known, log = {ATTEMPT_ID: before}, EvidenceLog()
    contrary, plain = evidence("FAILED"), evidence("PENDING")
    assert judging.weigh(known, contrary) == (before, Verdict.CONTRADICT)
    assert judging.weigh(known, plain) == (before, Verdict.CONFIRM)
    log.add(before, contrary, Verdict.CONTRADICT)
    log.add(before, plain, Verdict.CONFIRM)
    recorded = evidence("SUCCEEDED", Source.RECORD, channel_reference="ch_1", amount_minor=10_000, currency_code="USD")
    assert log.kept == [(recorded, Verdict.CONFIRM), (contrary, Verdict.CONTRADICT)]
    assert log.unsaved


def test_evidence_of_an_attempt_that_is_not_there_or_was_never_sent_is_refused() -> None:
    with pytest.raises(AttemptNotFound):
        judging.weigh({}, evidence("FAILED"))
    with pytest.raises(IllegalTransition):
        judging.weigh({ATTEMPT_ID: attempt_in("PENDING")}, evidence("FAILED"))


def test_inquiries_back_off_to_a_bound() -> None:
    assert [attempts.inquiry_pause_s(n) for n in (0, 1, 2, 8, 9, 10, 10**9)] == [1, 2, 4, 256, 300, 300, 300]
