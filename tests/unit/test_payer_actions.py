"""What evidence says of an attempt that waits for its payer, whichever way it came, and what an action must be."""

import dataclasses
import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.channels import judging
from paykit.channels.actions import next_action as next_actions
from paykit.channels.actions.next_action import NextAction, NextActionKind
from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Source, Verdict
from paykit.errors import IllegalTransition
from services.payment.domain.attempt import AttemptAction, PaymentAttempt, decide

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
URL = "https://bank.example/3ds?token=secret"
TOLD = NextAction(kind=NextActionKind.REDIRECT_TO_URL, url=URL, expire_time=LATER)
OTHER = NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code="00020126")

# Rows: the state, and whether an action was told before; columns: the source, and the action told now: the same,
# another or none.
TABLE = """
                     RESPONSE/same   RESPONSE/other  RESPONSE/none  CALLBACK/same   CALLBACK/other  CALLBACK/none INQUIRY/same    INQUIRY/other   INQUIRY/none
STARTED/no           REQUIRE_ACTION  REQUIRE_ACTION  LOSE_ANSWER    REQUIRE_ACTION  REQUIRE_ACTION  LOSE_ANSWER   REQUIRE_ACTION  REQUIRE_ACTION  LOSE_ANSWER
UNKNOWN/no           CONFIRM         CONFIRM         CONFIRM        REQUIRE_ACTION  REQUIRE_ACTION  WAIT          REQUIRE_ACTION  REQUIRE_ACTION  WAIT
UNKNOWN/yes          CONFIRM         CONFIRM         CONFIRM        CONFIRM         REQUIRE_ACTION  CONFIRM       REQUIRE_ACTION  REQUIRE_ACTION  REQUIRE_ACTION
ACTION_REQUIRED/yes  CONFIRM         CONFIRM         CONFIRM        CONFIRM         REQUIRE_ACTION  CONFIRM       REQUIRE_ACTION  REQUIRE_ACTION  REQUIRE_ACTION
SUCCEEDED/yes        CONFIRM         CONFIRM         CONFIRM        CONFIRM         CONFIRM         CONFIRM       CONFIRM         CONFIRM         CONFIRM
FAILED/yes           CONFIRM         CONFIRM         CONFIRM        CONFIRM         CONFIRM         CONFIRM       CONFIRM         CONFIRM         CONFIRM
"""  # noqa: E501 - a row of the table is one line
HEAD, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CELLS = [(row[0], column, verdict) for row in ROWS for column, verdict in zip(HEAD, row[1:], strict=True)]
ENDED = {AttemptState.SUCCEEDED, AttemptState.FAILED}
# The changes of state that the database takes, but for what only a claim does.
CHANGES = {
    *itertools.product(("STARTED", "UNKNOWN", "ACTION_REQUIRED"), ("SUCCEEDED", "FAILED")),
    *(("STARTED", "UNKNOWN"), ("STARTED", "ACTION_REQUIRED"), ("UNKNOWN", "ACTION_REQUIRED")),
    *(("ACTION_REQUIRED", "UNKNOWN"), ("SUCCEEDED", "FAILED"), ("FAILED", "SUCCEEDED")),
}
ACTIONS = {"same": TOLD, "other": OTHER, "none": None}


def attempt_in(state: str, *, told: bool = False, action: AttemptAction = AttemptAction.CHARGE) -> PaymentAttempt:
    return PaymentAttempt(
        attempt_id="att_" + "4" * 32,
        payment_id="pay_" + "1" * 32,
        action=action,
        channel="simulator",
        amount_minor=10_000,
        currency_code="EUR",
        create_time=NOON,
        update_time=NOON,
        state=AttemptState(state),
        action_digest=TOLD.digest if told else None,
    )


def required(source: Source, action: NextAction | None, outcome: str = "ACTION_REQUIRED") -> Evidence:
    return Evidence(
        attempt_id="att_" + "4" * 32,
        source=source,
        outcome=EvidenceOutcome(outcome),
        action=action,
        channel_reference="c",
    )


@pytest.mark.parametrize(("row", "column", "verdict"), CELLS)
def test_a_required_action_in_every_state_by_every_way(row: str, column: str, verdict: str) -> None:
    state, told = row.split("/")
    source, action = column.split("/")

    assert judging.judge(attempt_in(state, told=told == "yes"), required(Source(source), ACTIONS[action])) == verdict


def test_the_table_has_every_state_but_the_one_in_which_nothing_can_be_known() -> None:
    sources = ("RESPONSE", "CALLBACK", "INQUIRY")
    assert {row.split("/")[0] for row, *_ in CELLS} == set(AttemptState) - {AttemptState.PENDING}
    assert [f"{source}/{action}" for source, action in itertools.product(sources, ACTIONS)] == HEAD
    with pytest.raises(IllegalTransition):
        judging.judge(attempt_in("PENDING"), required(Source.CALLBACK, TOLD))


def test_the_same_action_with_another_time_is_the_same_action() -> None:
    longer = dataclasses.replace(TOLD, expire_time=None)
    before = attempt_in("ACTION_REQUIRED", told=True)
    assert judging.judge(before, required(Source.CALLBACK, longer)) is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("source", "verdict"), [("INQUIRY", "LOSE_ANSWER"), ("RESPONSE", "CONFIRM"), ("CALLBACK", "CONFIRM")]
)
def test_only_an_inquiry_tells_that_the_payer_has_acted(source: str, verdict: str) -> None:
    before = attempt_in("ACTION_REQUIRED", told=True)
    assert judging.judge(before, required(Source(source), None, "PENDING")) == verdict


@pytest.mark.parametrize("action", [AttemptAction.CAPTURE, AttemptAction.CANCEL, AttemptAction.REFUND])
def test_what_follows_a_payments_first_call_waits_for_no_payer(action: AttemptAction) -> None:
    told = required(Source.RESPONSE, TOLD)
    assert judging.judge(attempt_in("STARTED", action=action), told) is Verdict.LOSE_ANSWER


def test_the_attempt_keeps_what_tells_the_action_from_another_and_not_the_action() -> None:
    told = required(Source.INQUIRY, TOLD)

    after = decide(attempt_in("STARTED"), told, Verdict.REQUIRE_ACTION, now=LATER)

    assert (after.state, after.action_digest, after.channel_reference) == ("ACTION_REQUIRED", TOLD.digest, "c")
    assert (after.inquiry_count, after.update_time) == (1, LATER)
    assert (after.failure_reason, after.approved_minor) == (None, None)
    assert URL not in repr(after)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(EvidenceOutcome),
            st.sampled_from([Source.RESPONSE, Source.CALLBACK, Source.INQUIRY]),
            st.sampled_from([TOLD, OTHER, None]),
        ),
        max_size=12,
    )
)
def test_whatever_is_said_in_whatever_order_an_action_ends_nothing_and_reopens_nothing(words: Any) -> None:
    attempt = attempt_in("STARTED")
    for outcome, source, action in words:
        required_action = outcome is EvidenceOutcome.ACTION_REQUIRED
        told = required(source, action if required_action else None, outcome)
        verdict = judging.judge(attempt, told)
        after = decide(attempt, told, verdict, now=LATER)

        assert after.state == attempt.state or (attempt.state, after.state) in CHANGES
        assert after.state is not AttemptState.ACTION_REQUIRED or after.action_digest is not None
        if required_action:
            assert (after.state in ENDED) == (attempt.state in ENDED)
            assert after == attempt or attempt.state not in ENDED
        attempt = after


def test_no_repr_shows_what_the_payer_has_to_do() -> None:
    challenge = NextAction(kind=NextActionKind.THREE_D_SECURE_CHALLENGE, url=URL, code="eyJhIjoxfQ")
    for told in (challenge, required(Source.INQUIRY, challenge)):
        assert "bank.example" not in repr(told)
        assert "eyJhIjoxfQ" not in repr(told)


REDIRECT, CHALLENGE = NextActionKind.REDIRECT_TO_URL, NextActionKind.THREE_D_SECURE_CHALLENGE
QR_CODE, VOUCHER = NextActionKind.DISPLAY_QR_CODE, NextActionKind.DISPLAY_VOUCHER
LONGEST = "https://a.example/" + "x" * (2_048 - 18)


@pytest.mark.parametrize(
    ("fields", "usable"),
    [
        ({"kind": REDIRECT, "url": URL}, True),
        ({"kind": REDIRECT, "url": LONGEST}, True),
        ({"kind": REDIRECT, "url": LONGEST + "x"}, False),
        ({"kind": REDIRECT, "url": "http://localhost:8080/pay"}, True),
        ({"kind": REDIRECT, "url": "http://127.0.0.1"}, True),
        ({"kind": REDIRECT, "url": "http://bank.example/"}, False),
        ({"kind": REDIRECT, "url": "http://localhost.evil.example/"}, False),
        ({"kind": REDIRECT, "url": "https://user@bank.example/"}, False),
        ({"kind": REDIRECT, "url": "javascript:alert(1)"}, False),
        ({"kind": REDIRECT, "url": "https://bank.example/a b"}, False),
        ({"kind": REDIRECT, "url": ""}, False),
        ({"kind": REDIRECT, "url": URL, "code": "1"}, False),
        ({"kind": CHALLENGE, "url": URL, "code": "eyJhIjoxfQ"}, True),
        ({"kind": CHALLENGE, "url": URL, "code": ""}, False),
        ({"kind": CHALLENGE, "url": URL, "code": "not base64"}, False),
        ({"kind": CHALLENGE, "url": URL, "code": "x" * 8_193}, False),
        ({"kind": QR_CODE, "code": "00020126"}, True),
        ({"kind": QR_CODE, "code": "x" * 4_097}, False),
        ({"kind": VOUCHER, "code": "34191 79001", "url": URL}, True),
        ({"kind": VOUCHER, "code": "34191", "url": "http://shop.example/"}, False),
        ({"kind": VOUCHER, "code": "line\nbreak"}, False),
        ({"kind": VOUCHER, "code": ""}, False),
    ],
)
def test_what_no_payer_could_do_is_not_usable(fields: dict[str, Any], *, usable: bool) -> None:
    assert NextAction(**fields).is_usable is usable


@pytest.mark.parametrize("action", [TOLD, OTHER, NextAction(kind=CHALLENGE, url=URL, code="eyJhIjoxfQ")])
def test_what_is_kept_of_an_action_is_read_as_it_was(action: NextAction) -> None:
    assert next_actions.from_json(next_actions.to_json(action)) == action
