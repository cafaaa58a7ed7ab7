"""What a capture takes out of an authorization."""

from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import capture, movement
from services.payment.domain.authorization import capturable_minor
from services.payment.domain.capture import CaptureExceedsCapturable
from services.payment.domain.payment import CaptureMode, Payment, PaymentState
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, authorized, captured, declined, payment, terms

REQUESTED = events.CancelReason.REQUESTED


# What CapturePayment meets: the payment, and what it is refused with.
ASKED: list[tuple[Payment, dict[str, str] | None]] = [
    (payment(capture_mode=CaptureMode.MANUAL), {"state": "CREATED", "action": "CAPTURE"}),
    (payment(state=PaymentState.UNKNOWN, capture_mode=CaptureMode.MANUAL), {"state": "UNKNOWN", "action": "CAPTURE"}),
    (payment(state=PaymentState.FAILED), {"state": "FAILED", "action": "CAPTURE"}),
    (
        authorized(state=PaymentState.CANCELLED, cancelled_minor=10_000),
        {"state": "CANCELLED", "action": "CAPTURE"},
    ),
    (captured(terms()), {"state": "SUCCEEDED", "action": "CAPTURE"}),
    (authorized(), None),
    (authorized(state=PaymentState.SUCCEEDED, captured_minor=4_000), None),
]


@pytest.mark.parametrize(("before", "refusal"), ASKED)
def test_only_what_is_authorized_apart_from_its_capture_can_be_captured(
    before: Payment, refusal: dict[str, str] | None
) -> None:
    if refusal is None:
        after, made = create(before, amount_minor=6_000)
        assert (after.capturing_minor, made.amount_minor, made.state) == (6_000, 6_000, "CREATED")
        return
    with pytest.raises(IllegalTransition) as refused:
        create(before)
    assert refused.value.metadata == refusal


def test_captures_hold_what_they_take_and_no_event_says_so() -> None:
    before = authorized()

    after, made = create(before, amount_minor=7_000)

    assert (after.capturing_minor, capturable_minor(after), after.captured_minor) == (7_000, 3_000, 0)
    assert (after.aggregate_version, after.update_time) == (before.aggregate_version, LATER)
    assert (made.capture_id, made.payment_id, made.final) == ("cap_a", before.payment_id, False)


def test_a_capture_without_an_amount_takes_all_that_is_left() -> None:
    half, _ = create(authorized(), amount_minor=4_000)

    rest, made = create(half)

    assert (made.amount_minor, rest.capturing_minor, capturable_minor(rest)) == (6_000, 10_000, 0)


@pytest.mark.parametrize(
    ("before", "amount_minor", "left_minor"),
    [
        (authorized(), 10_001, "10000"),
        (authorized(capturing_minor=9_999), 2, "1"),
        (authorized(capturing_minor=10_000), None, "0"),
        (authorized(state=PaymentState.SUCCEEDED, captured_minor=8_000, cancelled_minor=2_000), 1, "0"),
        (authorized(cancel_reason=REQUESTED, cancelling_minor=10_000), 1, "0"),
    ],
)
def test_more_than_is_left_is_refused_with_what_is_left(
    before: Payment, amount_minor: int | None, left_minor: str
) -> None:
    with pytest.raises(CaptureExceedsCapturable) as refused:
        create(before, amount_minor=amount_minor)
    assert refused.value.metadata == {"capturable_minor": left_minor, "currency_code": "USD"}


def test_parts_add_up_and_only_the_first_pays_the_fixed_fee() -> None:
    one, first = create(authorized(), amount_minor=4_000)
    two, second = create(one, capture_id="cap_b", amount_minor=6_000)

    part, first, told = succeed(two, first, "ch_a")
    whole, second, told_too = succeed(part, second, "ch_b")

    # 2.9 % of 40.00 and 0.30; 2.9 % of 60.00.
    assert (told.fee_minor, told_too.fee_minor, whole.fee_minor) == (146, 174, 320)
    assert (first.fee_minor, second.fee_minor, second.state) == (146, 174, "SUCCEEDED")
    assert (part.state, part.captured_minor, part.capturing_minor) == ("SUCCEEDED", 4_000, 6_000)
    assert (whole.captured_minor, whole.capturing_minor) == (10_000, 0)
    assert (told.capture_id, told.channel_reference, told_too.channel_reference) == ("cap_a", "ch_a", "ch_b")
    assert whole.channel_reference == "ch_auth"
    assert (part.expire_time is None, whole.expire_time) == (False, None)
    assert [part.aggregate_version, whole.aggregate_version] == [3, 4]


def test_a_failed_capture_leaves_its_amount_capturable() -> None:
    held, made = create(authorized(), amount_minor=4_000)

    after, ended, told = fail(held, made)

    assert (after.capturing_minor, capturable_minor(after), after.state) == (0, 10_000, "AUTHORIZED")
    assert (ended.state, ended.failure_reason, ended.failure_code) == ("FAILED", "DECLINED", "do_not_honor")
    assert after.aggregate_version == told.aggregate_version == held.aggregate_version + 1
    assert (told.capture_id, told.amount_minor, told.reason, told.attempt_id) == (
        made.capture_id,
        4_000,
        "DECLINED",
        ATTEMPT_ID,
    )


def test_a_final_capture_lets_nothing_else_be_captured() -> None:
    after, _ = create(authorized(), amount_minor=4_000, final=True)

    assert (after.cancel_reason, capturable_minor(after), after.cancelling_minor) == ("REQUESTED", 0, 0)


def test_a_final_capture_that_fails_leaves_everything_as_it_was() -> None:
    held, made = create(authorized(), amount_minor=4_000, final=True)

    after, _, _ = fail(held, made)

    assert (after.cancel_reason, capturable_minor(after)) == (None, 10_000)


def test_a_final_capture_that_fails_does_not_take_back_what_paystream_decided() -> None:
    held, made = create(authorized(), amount_minor=4_000, final=True)
    closed = {"cancel_reason": events.CancelReason.ORDER_CLOSED}

    after, _, _ = fail(payment(**{name: getattr(held, name) for name in Payment.__slots__} | closed), made)

    assert (after.cancel_reason, capturable_minor(after)) == ("ORDER_CLOSED", 0)


def test_a_final_capture_of_everything_leaves_nothing_to_give_up() -> None:
    held, made = create(authorized(), final=True)

    after, _, _ = succeed(held, made, "ch_a")

    assert (after.state, after.cancel_reason, after.expire_time) == ("SUCCEEDED", None, None)


def test_a_lost_answer_keeps_the_amount_held() -> None:
    _, made = create(authorized(), amount_minor=4_000)

    assert movement.lose_answer(made, now=LATER).state == "UNKNOWN"


def test_a_charge_shows_the_capture_that_came_with_it() -> None:
    charged = captured(terms())

    shown = capture.of_charge(charged)
    assert shown is not None

    assert (shown.capture_id, shown.amount_minor, shown.fee_minor) == (charged.capture_id, 10_000, 320)
    assert (shown.state, shown.channel_reference, shown.create_time) == ("SUCCEEDED", "ch_1", NOON)
    assert capture.of_charge(payment()) is None


def create(before: Payment, *, capture_id: str = "cap_a", amount_minor: int | None = None, final: bool = False) -> Any:
    return capture.create(before, capture_id=capture_id, amount_minor=amount_minor, final=final, now=LATER)


def succeed(before: Payment, made: Any, reference: str) -> Any:
    return capture.succeed(
        before,
        made,
        attempt_id=ATTEMPT_ID,
        channel_reference=reference,
        amount_minor=made.amount_minor,
        terms=terms(),
        now=LATER,
    )


def fail(before: Payment, made: Any) -> Any:
    return capture.fail(before, made, declined("do_not_honor"), now=LATER)
