"""The states of a payment, and what each change says of it."""

import itertools

import pytest

from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import payment as domain
from services.payment.domain.attempt import Failure
from services.payment.domain.payment import PaymentAction, PaymentState
from services.payment.domain.unanswered.lost_answer import lose_answer
from tests.unit.payment.builders import ATTEMPT_ID, CAPTURE_ID, LATER, NOON, PAYMENT_ID, payment, terms

# Rows: the state; columns: AUTHORIZE CAPTURE FAIL CANCEL LOSE_ANSWER REFUND DISPUTE ACCEPT LOSE_AUTHORIZATION
# REQUIRE_ACTION; "-" is illegal, "=" leaves the state.
TABLE = """
CREATED         AUTHORIZED  SUCCEEDED   FAILED  CANCELLED   UNKNOWN -           -           -           -       REQUIRES_ACTION
AUTHORIZED      -           SUCCEEDED   -       CANCELLED   -       -           -           SUCCEEDED   FAILED  -
SUCCEEDED       -           =           -       =           -       =           =           =           -       -
FAILED          -           -           -       -           -       -           -           SUCCEEDED   -       -
CANCELLED       -           -           -       -           -       -           -           SUCCEEDED   -       -
UNKNOWN         AUTHORIZED  SUCCEEDED   FAILED  -           -       -           -           -           -       REQUIRES_ACTION
REQUIRES_ACTION AUTHORIZED  SUCCEEDED   FAILED  CANCELLED   UNKNOWN -           -           -           -       =
"""  # noqa: E501 - a row of the table is one line
ACTIONS = [
    *("AUTHORIZE", "CAPTURE", "FAIL", "CANCEL", "LOSE_ANSWER", "REFUND", "DISPUTE", "ACCEPT", "LOSE_AUTHORIZATION"),
    "REQUIRE_ACTION",
]
CELLS = [
    (row[0], action, row[0] if after == "=" else after)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, after in zip(ACTIONS, row[1:], strict=True)
]


@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_every_action_in_every_state(state: str, action: str, after: str) -> None:
    if after != "-":
        assert domain.next_state(PaymentState(state), PaymentAction(action)) == after
        return
    with pytest.raises(IllegalTransition) as refused:
        domain.next_state(PaymentState(state), PaymentAction(action))
    assert refused.value.metadata == {"state": state, "action": action}


def test_the_table_names_every_state_and_action() -> None:
    assert {(state, action) for state, action, _ in CELLS} == set(itertools.product(PaymentState, PaymentAction))


def test_a_new_payment_says_so_as_version_one() -> None:
    assert domain.created(payment(order_id="ord_" + "6" * 32)) == events.PaymentCreated(
        capture_mode=events.CaptureMode.AUTOMATIC,
        country_code=None,
        brand=None,
        funding=None,
        issuer_country_code=None,
        occurred_at=NOON,
        merchant_id="mer_" + "5" * 32,
        correlation_id="cor_1",
        aggregate_version=1,
        payment_id=PAYMENT_ID,
        order_id="ord_" + "6" * 32,
        merchant_reference="order-77",
        amount_minor=10_000,
        currency_code="USD",
        method=events.PaymentMethod.CARD,
        channel="simulator",
    )


def test_a_capture_charges_the_fee_of_the_plan_in_force_and_says_so() -> None:
    after, event = domain.capture(
        payment(),
        attempt_id=ATTEMPT_ID,
        amount_minor=10_000,
        capture_id=CAPTURE_ID,
        channel_reference="ch_1",
        terms=terms(),
        now=LATER,
    )

    assert (after.state, after.captured_minor, after.fee_minor, after.fee_plan_version) == ("SUCCEEDED", 10_000, 320, 3)
    assert (after.aggregate_version, after.update_time, after.create_time) == (2, LATER, NOON)
    assert event == events.PaymentSuccess(
        attempt_id=ATTEMPT_ID,
        capture_mode=events.CaptureMode.AUTOMATIC,
        country_code=None,
        brand=None,
        funding=None,
        issuer_country_code=None,
        captured_total_minor=10_000,
        capture_number=1,
        created_at=NOON,
        authorized_at=None,
        attempt_count=1,
        fee_basis_points=290,
        fee_fixed_minor=30,
        occurred_at=LATER,
        merchant_id="mer_" + "5" * 32,
        correlation_id="cor_1",
        aggregate_version=2,
        payment_id=PAYMENT_ID,
        capture_id=CAPTURE_ID,
        order_id=None,
        merchant_reference="order-77",
        amount_minor=10_000,
        currency_code="USD",
        fee_minor=320,
        fee_plan_version=3,
        method=events.PaymentMethod.CARD,
        channel="simulator",
        channel_reference="ch_1",
        final=False,
        order_returned_minor=0,
    )


def test_a_second_capture_adds_up_and_pays_no_fixed_part_again() -> None:
    first, _ = domain.capture(
        payment(),
        attempt_id=ATTEMPT_ID,
        amount_minor=4_000,
        capture_id="cap_a",
        channel_reference="ch_1",
        terms=terms(),
        now=NOON,
    )

    second, event = domain.capture(
        first,
        attempt_id=ATTEMPT_ID,
        amount_minor=6_000,
        capture_id="cap_b",
        channel_reference="ch_2",
        terms=terms(),
        now=LATER,
    )

    # 116 and 30 for the first, 174 for the second.
    assert (first.fee_minor, event.fee_minor, second.fee_minor) == (146, 174, 320)
    assert (second.captured_minor, second.aggregate_version) == (10_000, 3)
    assert (event.captured_total_minor, event.capture_number, second.capture_count) == (10_000, 2, 2)


def test_a_failure_keeps_its_reason_in_both_languages() -> None:
    after, event = domain.fail(
        payment(state=PaymentState.UNKNOWN, aggregate_version=2),
        Failure(
            attempt_id=ATTEMPT_ID,
            reason=events.FailureReason.INSUFFICIENT_FUNDS,
            code="insufficient_funds",
            channel_reference="ch_9",
        ),
        now=LATER,
    )

    assert (after.state, after.failure_reason, after.failure_code) == (
        "FAILED",
        "INSUFFICIENT_FUNDS",
        "insufficient_funds",
    )
    assert (event.reason, event.failure_code, event.channel_reference, event.aggregate_version) == (
        "INSUFFICIENT_FUNDS",
        "insufficient_funds",
        "ch_9",
        3,
    )


def test_a_lost_answer_says_from_which_state() -> None:
    after, event = lose_answer(
        payment(), attempt_id=ATTEMPT_ID, evidence=events.Evidence.NO_ANSWER, channel_reference=None, now=LATER
    )

    assert (after.state, after.aggregate_version) == ("UNKNOWN", 2)
    assert (event.previous_state, event.evidence, event.channel_reference) == ("CREATED", "NO_ANSWER", None)


@pytest.mark.parametrize("state", [PaymentState.FAILED, PaymentState.CANCELLED])
def test_what_has_ended_is_not_captured(state: PaymentState) -> None:
    with pytest.raises(IllegalTransition):
        domain.capture(
            payment(state=state),
            attempt_id=ATTEMPT_ID,
            amount_minor=1,
            capture_id=CAPTURE_ID,
            channel_reference="ch_1",
            terms=terms(),
            now=LATER,
        )
