"""How the state of a resource is told as steps in time."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money, SignedMoney
from paystream.common.v1.next_action_pb2 import NextAction, RedirectToUrl
from paystream.journey.v1 import journey_pb2 as pb
from paystream.notification.v1 import notification_pb2 as mails
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from services.journey.domain import notification as notifications
from services.journey.domain import order as orders
from services.journey.domain import payment as payments
from services.journey.domain import settlement as settlements
from services.journey.domain import story


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=1_772_366_400 + seconds)


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


def signed_usd(amount_minor: int) -> SignedMoney:
    return SignedMoney(amount_minor=amount_minor, currency_code="USD")


def outline(steps: list[pb.Step]) -> list[tuple[str, int]]:
    """What happened, and how many seconds after the start."""
    return [(step.what, step.occur_time.seconds - at(0).seconds) for step in steps]


def order(state: Any, **more: Any) -> order_pb2.Order:
    given: dict[str, Any] = {"order_id": "ord_1", "total": usd(1000), "create_time": at(0), "update_time": at(90)}
    return order_pb2.Order(**(given | {"state": state} | more))


def capture(amount_minor: int, *, done: int, succeeded: bool = True) -> payment_pb2.Capture:
    state = payment_pb2.CAPTURE_STATE_SUCCEEDED if succeeded else payment_pb2.CAPTURE_STATE_FAILED
    return payment_pb2.Capture(amount=usd(amount_minor), state=state, create_time=at(1), update_time=at(done))


def refund(reason: Any, *, begun: int) -> payment_pb2.Refund:
    return payment_pb2.Refund(reason=reason, create_time=at(begun))


def test_an_order_is_paid_when_its_captures_reach_the_total_and_not_when_it_last_changed() -> None:
    captures = [
        capture(300, done=40),
        capture(900, done=10, succeeded=False),
        capture(400, done=20),
        capture(300, done=30),
    ]
    assert outline(orders.order_steps(order(order_pb2.ORDER_STATE_PAID), captures, [])) == [
        ("CREATED", 0),
        ("PAID", 40),
    ]


def test_an_order_is_not_paid_by_what_had_gone_back_before() -> None:
    back = payment_pb2.Refund(state=payment_pb2.REFUND_STATE_SUCCEEDED, amount=usd(600), update_time=at(15))
    failed = payment_pb2.Refund(state=payment_pb2.REFUND_STATE_FAILED, amount=usd(600), update_time=at(15))
    captures = [capture(600, done=10), capture(600, done=20), capture(400, done=30)]

    assert outline(orders.order_steps(order(order_pb2.ORDER_STATE_PAID), captures, [back, failed]))[1] == ("PAID", 30)


def test_an_order_is_settled_by_a_final_capture() -> None:
    final = capture(100, done=20)
    final.final = True

    assert outline(orders.order_steps(order(order_pb2.ORDER_STATE_PAID), [final], []))[1] == ("PAID", 20)


def test_an_order_whose_captures_are_not_known_is_paid_when_it_last_changed() -> None:
    assert outline(orders.order_steps(order(order_pb2.ORDER_STATE_PAID), [], [])) == [("CREATED", 0), ("PAID", 90)]


def test_an_order_was_cancelled_before_what_had_been_paid_for_it_went_back() -> None:
    refunds = [
        refund(payment_pb2.REFUND_REASON_CUSTOMER_REQUEST, begun=5),
        refund(payment_pb2.REFUND_REASON_ORDER_CANCELLED, begun=50),
    ]
    cancelled = order(order_pb2.ORDER_STATE_CANCELLED, refunded_minor=600, fully_refunded=True)
    assert outline(orders.order_steps(cancelled, [], refunds)) == [("CREATED", 0), ("CANCELLED", 50), ("REFUNDED", 90)]


def test_an_order_expires_at_its_time() -> None:
    expired = order(order_pb2.ORDER_STATE_EXPIRED, expire_time=at(60), refunded_minor=1)
    assert outline(orders.order_steps(expired, [], [])) == [("CREATED", 0), ("EXPIRED", 60), ("PARTLY_REFUNDED", 90)]


def test_an_order_that_waits_has_only_begun() -> None:
    assert outline(orders.order_steps(order(order_pb2.ORDER_STATE_CREATED), [], [])) == [("CREATED", 0)]


def payment(state: Any, **more: Any) -> payment_pb2.Payment:
    given: dict[str, Any] = {"payment_id": "pay_1", "amount": usd(1000), "create_time": at(0), "update_time": at(90)}
    return payment_pb2.Payment(**(given | {"state": state} | more))


def test_a_payment_succeeds_with_its_first_capture() -> None:
    captures = [capture(300, done=40), capture(300, done=20)]
    steps = payments.payment_steps(payment(payment_pb2.PAYMENT_STATE_SUCCEEDED), [], captures)
    assert outline(steps) == [("CREATED", 0), ("SUCCEEDED", 20)]


def test_a_payment_is_authorized_by_the_attempt_that_did_so() -> None:
    attempt = payment_pb2.Attempt(
        action=payment_pb2.ATTEMPT_ACTION_AUTHORIZE,
        state=payment_pb2.ATTEMPT_STATE_SUCCEEDED,
        create_time=at(0),
        update_time=at(3),
    )
    steps = payments.payment_steps(payment(payment_pb2.PAYMENT_STATE_AUTHORIZED), [attempt], [])
    assert outline(steps) == [("CREATED", 0), ("AUTHORIZED", 3)]
    assert outline(payments.attempt_steps(attempt)) == [("AUTHORIZE_PENDING", 0), ("AUTHORIZE_SUCCEEDED", 3)]


def test_a_payment_that_waits_for_its_payer_says_what_for_and_not_how() -> None:
    action = NextAction(redirect_to_url=RedirectToUrl(url="https://bank.example/secret"))
    steps = payments.payment_steps(payment(payment_pb2.PAYMENT_STATE_REQUIRES_ACTION, next_action=action), [], [])
    assert [(step.what, step.detail) for step in steps[1:]] == [("REQUIRES_ACTION", "next action redirect_to_url")]


def test_a_failed_payment_says_why() -> None:
    failed = payment(payment_pb2.PAYMENT_STATE_FAILED, failure_reason="DECLINED", failure_code="insufficient_funds")
    steps = payments.payment_steps(failed, [], [])
    assert (steps[-1].what, steps[-1].detail) == ("FAILED", "DECLINED, insufficient_funds")


def test_a_dispute_opens_and_is_decided() -> None:
    lost = payment_pb2.Dispute(
        state=payment_pb2.DISPUTE_STATE_LOST,
        reason=payment_pb2.DISPUTE_REASON_FRAUD,
        accepted=True,
        create_time=at(1),
        update_time=at(2),
    )
    assert outline(payments.dispute_steps(lost)) == [("OPENED", 1), ("LOST", 2)]
    assert [step.detail for step in payments.dispute_steps(lost)] == ["FRAUD", "accepted"]


def test_what_began_and_ended_at_once_is_one_step() -> None:
    at_once = payment_pb2.Capture(
        amount=usd(1), state=payment_pb2.CAPTURE_STATE_SUCCEEDED, create_time=at(1), update_time=at(1)
    )
    assert outline(payments.capture_steps(at_once)) == [("SUCCEEDED", 1)]


def test_what_began_and_ended_at_once_is_told_with_all_that_is_known() -> None:
    declined = payment_pb2.Refund(
        state=payment_pb2.REFUND_STATE_FAILED,
        reason=payment_pb2.REFUND_REASON_DUPLICATE,
        failure_code="gone",
        create_time=at(1),
        update_time=at(1),
    )
    [step] = payments.refund_steps(declined)
    assert (step.what, step.detail) == ("FAILED", "DUPLICATE, gone")


def settlement(state: Any, **more: Any) -> settlement_pb2.Settlement:
    given: dict[str, Any] = {"settlement_id": "stl_1", "currency_code": "USD", "state": state}
    given |= {"create_time": at(0), "update_time": at(90), "sums": settlement_pb2.Sums(total_minor="-250")}
    return settlement_pb2.Settlement(**(given | more))


def test_a_settlement_that_collects_is_told_of_from_when_the_journey_s_item_joined() -> None:
    pending = settlement(settlement_pb2.SETTLEMENT_STATE_PENDING)
    assert outline(settlements.settlement_steps(pending, joined_time=at(7))) == [("PENDING", 7)]
    [alone] = settlements.settlement_steps(pending)
    assert (outline([alone]), alone.amount) == ([("PENDING", 0)], signed_usd(-250))


def test_a_settlement_releases_its_reserve_after_it_was_completed() -> None:
    completed = settlement(
        settlement_pb2.SETTLEMENT_STATE_COMPLETED,
        trigger=settlement_pb2.SETTLEMENT_TRIGGER_CUT_OFF,
        close_time=at(10),
        reserve_held_minor=25,
        reserve_released_time=at(80),
    )
    steps = settlements.settlement_steps(completed)
    assert outline(steps) == [("CREATED", 10), ("COMPLETED", 80), ("RESERVE_RELEASED", 80)]
    assert (steps[0].detail, steps[-1].amount) == ("CUT_OFF", signed_usd(25))


def test_a_settlement_was_completed_when_the_ledger_booked_it_and_not_when_it_last_changed() -> None:
    completed = settlement(
        settlement_pb2.SETTLEMENT_STATE_COMPLETED,
        close_time=at(10),
        update_time=at(81),
        reserve_held_minor=25,
        reserve_released_time=at(80),
    )
    booked = [
        accounting_pb2.Transaction(transaction_type="ReserveReleased", create_time=at(82)),
        accounting_pb2.Transaction(transaction_type="SettlementCreated", create_time=at(12)),
    ]
    steps = settlements.settlement_steps(completed, booked)
    assert outline(steps) == [("CREATED", 10), ("COMPLETED", 12), ("RESERVE_RELEASED", 80)]


def test_a_settlement_is_completed_after_its_booking_of_the_same_moment() -> None:
    booking = pb.Step(kind=pb.STEP_KIND_TRANSACTION, what="SettlementCreated", occur_time=at(1))
    completed = pb.Step(kind=pb.STEP_KIND_SETTLEMENT, what="COMPLETED", occur_time=at(1))
    created = pb.Step(kind=pb.STEP_KIND_SETTLEMENT, what="CREATED", occur_time=at(1))
    assert story.in_order([completed, booking, created]) == [created, booking, completed]


def test_what_happened_in_one_moment_begins_from_the_whole_and_ends_with_it() -> None:
    kinds = [
        (pb.STEP_KIND_ORDER, "PAID"),
        (pb.STEP_KIND_ATTEMPT, "CHARGE_SUCCEEDED"),
        (pb.STEP_KIND_PAYMENT, "CREATED"),
        (pb.STEP_KIND_CAPTURE, "SUCCEEDED"),
        (pb.STEP_KIND_ATTEMPT, "CHARGE_PENDING"),
        (pb.STEP_KIND_PAYMENT, "SUCCEEDED"),
    ]
    steps = [pb.Step(kind=kind, what=what, occur_time=at(1)) for kind, what in kinds]
    later = pb.Step(kind=pb.STEP_KIND_ORDER, what="CREATED", occur_time=at(2))
    assert [(step.kind, step.what) for step in story.in_order([later, *steps])] == [
        (pb.STEP_KIND_PAYMENT, "CREATED"),
        (pb.STEP_KIND_ATTEMPT, "CHARGE_PENDING"),
        (pb.STEP_KIND_ATTEMPT, "CHARGE_SUCCEEDED"),
        (pb.STEP_KIND_CAPTURE, "SUCCEEDED"),
        (pb.STEP_KIND_PAYMENT, "SUCCEEDED"),
        (pb.STEP_KIND_ORDER, "PAID"),
        (pb.STEP_KIND_ORDER, "CREATED"),
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"state": mails.NOTIFICATION_STATE_QUEUED}, [("QUEUED", 1)]),
        ({"state": mails.NOTIFICATION_STATE_SENT, "send_time": at(5)}, [("QUEUED", 1), ("SENT", 5)]),
        ({"state": mails.NOTIFICATION_STATE_FAILED, "reason": "GIVEN_UP"}, [("QUEUED", 1), ("FAILED", 9)]),
        ({"state": mails.NOTIFICATION_STATE_SUPPRESSED}, []),
    ],
)
def test_a_mail_is_told_from_its_queue_to_its_end(given: dict[str, Any], told: list[tuple[str, int]]) -> None:
    notification = mails.Notification(
        notification_id="ntf_1",
        template="order_paid",
        recipient_kind=mails.RECIPIENT_KIND_MERCHANT,
        create_time=at(1),
        update_time=at(9),
        **given,
    )
    steps = notifications.notification_steps(notification)
    assert outline(steps) == told
    assert all(step.detail in {"order_paid to the merchant", given.get("reason", "")} for step in steps)


@pytest.mark.parametrize("kind", [kind for kind in pb.StepKind.values() if kind])
def test_every_kind_of_step_has_its_place_within_a_moment(kind: Any) -> None:
    assert story.in_order([pb.Step(kind=kind, what="X", occur_time=at(0))])
