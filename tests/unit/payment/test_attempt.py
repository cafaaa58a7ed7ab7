"""What evidence proves about an attempt, in every state."""

import itertools
from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment import attempt
from services.payment.attempt import (
    AttemptState,
    ChannelAmountMismatch,
    Evidence,
    Outcome,
    Verdict,
)
from tests.unit.payment.builders import ATTEMPT_ID, LATER
from tests.unit.payment.builders import attempt as attempt_in

# Rows: the state; columns: SUCCEEDED FAILED PENDING NO_ANSWER NOT_FOUND (not final); "-" is refused.
TABLE = """
PENDING    -           -           -            -            -
STARTED    SUCCEED     FAIL        LOSE_ANSWER  LOSE_ANSWER  LOSE_ANSWER
UNKNOWN    SUCCEED     FAIL        WAIT         WAIT         WAIT
SUCCEEDED  CONFIRM     CONTRADICT  CONFIRM      CONFIRM      CONFIRM
FAILED     CONTRADICT  CONFIRM     CONFIRM      CONFIRM      CONFIRM
"""
OUTCOMES = ["SUCCEEDED", "FAILED", "PENDING", "NO_ANSWER", "NOT_FOUND"]
CELLS = [
    (row[0], outcome, verdict)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for outcome, verdict in zip(OUTCOMES, row[1:], strict=True)
]


def evidence(outcome: str, source: events.Evidence = events.Evidence.INQUIRY, **changes: Any) -> Evidence:
    return Evidence(attempt_id=ATTEMPT_ID, source=source, outcome=Outcome(outcome), **changes)


@pytest.mark.parametrize(("state", "outcome", "verdict"), CELLS)
def test_every_outcome_in_every_state(state: str, outcome: str, verdict: str) -> None:
    if verdict != "-":
        assert attempt.judge(attempt_in(AttemptState(state)), evidence(outcome)) == verdict
        return
    with pytest.raises(IllegalTransition) as refused:
        attempt.judge(attempt_in(AttemptState(state)), evidence(outcome))
    assert refused.value.metadata == {"state": "PENDING", "action": "REPORT"}


def test_the_table_names_every_state_and_outcome() -> None:
    assert {(state, outcome) for state, outcome, _ in CELLS} == set(itertools.product(AttemptState, Outcome))


@pytest.mark.parametrize(
    ("state", "verdict"), [("STARTED", "FAIL"), ("UNKNOWN", "FAIL"), ("SUCCEEDED", "CONFIRM"), ("FAILED", "CONFIRM")]
)
def test_a_final_not_found_proves_failure_of_what_is_open(state: str, verdict: str) -> None:
    before = attempt_in(AttemptState(state))
    found = evidence("NOT_FOUND", final=True)

    assert attempt.judge(before, found) == verdict
    assert attempt.failure(found) == ("NOT_RECEIVED", None)


@pytest.mark.parametrize(("age_s", "final"), [(61.99, False), (62.0, True), (0.0, False)])
def test_not_found_is_final_only_after_the_finality_and_the_time_to_send(age_s: float, *, final: bool) -> None:
    # The channel declares 60 s; the attempt may have left 2 s after it was claimed.
    assert attempt.not_found_is_final(age_s=age_s, finality_s=60) is final


def test_one_attempt_under_two_references_is_a_contradiction() -> None:
    before = attempt_in(AttemptState.SUCCEEDED, channel_reference="ch_1")

    assert attempt.judge(before, evidence("SUCCEEDED", channel_reference="ch_1")) is Verdict.CONFIRM
    assert attempt.judge(before, evidence("SUCCEEDED", channel_reference="ch_2")) is Verdict.CONTRADICT


def test_a_report_over_another_amount_is_refused() -> None:
    attempt.judge(attempt_in(), evidence("SUCCEEDED", amount_minor=10_000, currency_code="USD"))

    for amount_minor, currency_code in ((9_999, "USD"), (10_000, "JPY")):
        with pytest.raises(ChannelAmountMismatch) as refused:
            attempt.judge(attempt_in(), evidence("SUCCEEDED", amount_minor=amount_minor, currency_code=currency_code))
        assert refused.value.metadata == {"amount_minor": "10000", "currency_code": "USD"}


def test_a_failure_keeps_the_channels_code_and_paystreams_reason() -> None:
    told = evidence("FAILED", failure_reason=events.FailureReason.DECLINED, failure_code="do_not_honor")

    after = attempt.decide(attempt_in(), told, Verdict.FAIL, now=LATER)

    assert (after.state, after.failure_reason, after.failure_code) == ("FAILED", "DECLINED", "do_not_honor")
    assert (after.inquiry_count, after.update_time) == (1, LATER)


def test_a_contradiction_only_marks_the_attempt() -> None:
    before = attempt_in(AttemptState.FAILED, failure_reason=events.FailureReason.DECLINED)

    after = attempt.decide(before, evidence("SUCCEEDED", channel_reference="ch_9"), Verdict.CONTRADICT, now=LATER)

    assert (after.state, after.contradicted, after.channel_reference) == ("FAILED", True, None)


def test_only_inquiries_are_counted() -> None:
    lost = attempt.decide(attempt_in(), evidence("NO_ANSWER", events.Evidence.RESPONSE), Verdict.LOSE_ANSWER, now=LATER)
    asked = attempt.decide(lost, evidence("PENDING"), Verdict.WAIT, now=LATER)

    assert (lost.state, lost.inquiry_count, asked.state, asked.inquiry_count) == ("UNKNOWN", 0, "UNKNOWN", 1)


def test_inquiries_back_off_to_a_bound() -> None:
    assert [attempt.inquiry_pause_s(n) for n in (0, 1, 2, 8, 9, 10, 10**9)] == [1, 2, 4, 256, 300, 300, 300]
