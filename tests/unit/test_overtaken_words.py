"""An answer that becomes known after what the channel said later: the order in which it is recorded changes nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.channels import judging
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import Attempt, AttemptState, Evidence, EvidenceOutcome, Source, Verdict

ATTEMPT_ID = "att_1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

CALLBACK, INQUIRY, RESPONSE = Source.CALLBACK, Source.INQUIRY, Source.RESPONSE


def attempt_in(state: str, **changes: Any) -> Attempt:
    given_: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "action": "CHARGE",
        "channel": "simulator",
        "state": AttemptState(state),
        "amount_minor": 10_000,
        "currency_code": "USD",
        "create_time": NOON,
        "update_time": NOON,
    }
    return Attempt(**given_ | changes)


def told(source: Source, outcome: str, **changes: Any) -> Evidence:
    said = {"currency_code": "USD"} if changes.get("amount_minor") else {}
    return Evidence(attempt_id=ATTEMPT_ID, source=source, outcome=EvidenceOutcome(outcome), **said | changes)


# What ended the attempt, and by which way it was told; the word that is recorded afterwards, and the verdict on it.
CELLS = [
    # An answer to the call is the channel's first word: whatever it told of the attempt since overtook it.
    (CALLBACK, "SUCCEEDED", RESPONSE, "FAILED", "CONFIRM"),
    (INQUIRY, "SUCCEEDED", RESPONSE, "FAILED", "CONFIRM"),
    (Source.STATEMENT_LINE, "SUCCEEDED", RESPONSE, "FAILED", "CONFIRM"),
    (CALLBACK, "FAILED", RESPONSE, "SUCCEEDED", "CONFIRM"),
    (INQUIRY, "FAILED", RESPONSE, "SUCCEEDED", "CONFIRM"),
    (Source.STATEMENT_LINE, "FAILED", RESPONSE, "SUCCEEDED", "CONFIRM"),
    # An inquiry was in the air when a callback came; a call's own answer came before the inquiry was asked.
    (CALLBACK, "SUCCEEDED", INQUIRY, "FAILED", "CONFIRM"),
    (CALLBACK, "FAILED", INQUIRY, "SUCCEEDED", "CONFIRM"),
    (Source.STATEMENT_LINE, "SUCCEEDED", INQUIRY, "FAILED", "CONFIRM"),
    (Source.STATEMENT_LINE, "FAILED", INQUIRY, "SUCCEEDED", "CONFIRM"),
    (INQUIRY, "SUCCEEDED", INQUIRY, "FAILED", "CONTRADICT"),
    (INQUIRY, "FAILED", INQUIRY, "SUCCEEDED", "CONTRADICT"),
    (None, "SUCCEEDED", INQUIRY, "FAILED", "CONTRADICT"),
    (None, "FAILED", INQUIRY, "SUCCEEDED", "CONTRADICT"),
    # Nothing was said by the channel: it had not got the call, or it was not sent. The answer is news.
    (INQUIRY, "NOT_FOUND", RESPONSE, "SUCCEEDED", "CONTRADICT"),
    (Source.WITHHELD, "FAILED", RESPONSE, "SUCCEEDED", "CONTRADICT"),
    (INQUIRY, "NOT_FOUND", INQUIRY, "SUCCEEDED", "CONTRADICT"),
    # A callback or a line of a statement is told when there is news.
    *(
        (before, outcome, now, opposite, "CONTRADICT")
        for before in (CALLBACK, INQUIRY, Source.STATEMENT_LINE, None)
        for now in (CALLBACK, Source.STATEMENT_LINE)
        for outcome, opposite in (("SUCCEEDED", "FAILED"), ("FAILED", "SUCCEEDED"))
    ),
]


@pytest.mark.parametrize(("before", "outcome", "source", "said", "verdict"), CELLS)
def test_a_word_that_was_overtaken_changes_nothing(
    before: Source | None, outcome: str, source: Source, said: str, verdict: str
) -> None:
    attempt = attempt_in("SUCCEEDED" if outcome == "SUCCEEDED" else "FAILED", channel_reference="ch_1")
    # None: by the answer to the call, which is not kept for itself.
    heard = [] if before is None else [told(before, outcome)]

    assert judging.judge(attempt, told(source, said), heard) == verdict


def test_a_second_reference_was_carried_out_whenever_it_becomes_known() -> None:
    attempt = attempt_in("SUCCEEDED", channel_reference="ch_2")
    heard = [told(CALLBACK, "SUCCEEDED", channel_reference="ch_2")]

    answer = told(RESPONSE, "SUCCEEDED", channel_reference="ch_1")

    assert judging.judge(attempt, answer, heard) is Verdict.CONTRADICT
    assert judging.later_word(attempt, answer, heard) is judging.LaterWord.SECOND_REFERENCE


def test_an_answer_over_another_amount_does_not_bring_back_the_first_amount() -> None:
    attempt = attempt_in("SUCCEEDED", channel_reference="ch_1", approved_minor=9_000)
    heard = [told(CALLBACK, "SUCCEEDED", channel_reference="ch_1", amount_minor=9_000)]

    answer = told(RESPONSE, "SUCCEEDED", channel_reference="ch_1", amount_minor=10_000)

    assert judging.judge(attempt, answer, heard) is Verdict.CONFIRM


def test_a_word_that_was_overtaken_is_kept() -> None:
    log, attempt = EvidenceLog(), attempt_in("SUCCEEDED", channel_reference="ch_1")
    answer = told(RESPONSE, "FAILED", failure_code="X")

    log.add(attempt, answer, Verdict.CONFIRM)
    log.add(attempt, told(RESPONSE, "SUCCEEDED", channel_reference="ch_1"), Verdict.CONFIRM)

    assert log.kept == [(answer, Verdict.CONFIRM)]


WORDS = st.lists(
    st.one_of(
        st.builds(
            lambda minor: {"outcome": "SUCCEEDED", "amount_minor": minor, "channel_reference": "ch_1"},
            st.integers(9_990, 10_010),
        ),
        st.builds(lambda code: {"outcome": "FAILED", "failure_code": code}, st.sampled_from("ABCDEFGH")),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda word: tuple(word.values()),
)


@given(words=WORDS, data=st.data())
def test_however_late_the_answer_is_recorded_the_attempt_ends_alike(
    words: Sequence[dict[str, Any]], data: st.DataObject
) -> None:
    answer, *callbacks = [told(CALLBACK if number else RESPONSE, **word) for number, word in enumerate(words)]
    place = data.draw(st.integers(0, len(callbacks)))

    in_order = recorded([answer, *callbacks])
    late = recorded([*callbacks[:place], answer, *callbacks[place:]])

    assert (late.state, late.carried_out_minor) == (in_order.state, in_order.carried_out_minor)


def recorded(evidence: Sequence[Evidence]) -> Attempt:
    """Return a sent attempt after evidence, each piece taken for itself."""
    attempt, log = attempt_in("STARTED"), EvidenceLog()
    for each in evidence:
        _, verdict = judging.weigh({ATTEMPT_ID: attempt}, each, log.heard)
        log.add(attempt, each, verdict)
        attempt = judging.decide(attempt, each, verdict, failure_reason="DECLINED", now=NOON)
    # What a failed attempt was approved for before is of no account.
    if attempt.state is AttemptState.FAILED:
        return attempt_in("FAILED")
    return attempt
