"""What an order tells."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.common.v1.money_pb2 import Money
from paystream.journey.v1 import journey_pb2 as pb
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from services.journey.domain.payment import is_captured
from services.journey.domain.step import earliest, enum_name, lifecycle, moment, step

_ORDER_CANCELLED = payment_pb2.REFUND_REASON_ORDER_CANCELLED


def order_steps(
    order: order_pb2.Order, captures: Sequence[payment_pb2.Capture], refunds: Sequence[payment_pb2.Refund]
) -> list[pb.Step]:
    """The steps of an order, by the captures and refunds of all its payments."""
    state = enum_name(order_pb2.OrderState, order.state, "ORDER_STATE_")
    reached = {
        "PAID": _paid_time(order, captures, refunds),
        "CANCELLED": earliest([refund.create_time for refund in refunds if refund.reason == _ORDER_CANCELLED]),
        "EXPIRED": order.expire_time,
    }
    steps = lifecycle(
        pb.STEP_KIND_ORDER,
        order.order_id,
        state=state,
        begin=order.create_time,
        end=reached.get(state) or order.update_time,
        amount=order.total,
        detail=f"reference {order.merchant_reference}",
    )
    if order.refunded_minor:
        what = "REFUNDED" if order.fully_refunded else "PARTLY_REFUNDED"
        amount = Money(amount_minor=order.refunded_minor, currency_code=order.total.currency_code)
        steps.append(step(pb.STEP_KIND_ORDER, order.order_id, what, time=order.update_time, amount=amount))
    return steps


def _paid_time(
    order: order_pb2.Order, captures: Sequence[payment_pb2.Capture], refunds: Sequence[payment_pb2.Refund]
) -> Timestamp:
    """When the captures, less what had been refunded, reached the total, or a final one settled the order below it."""
    moves = [
        (capture.update_time, capture.amount.amount_minor, capture.final) for capture in filter(is_captured, captures)
    ]
    moves += [(refund.update_time, -refund.amount.amount_minor, False) for refund in filter(_is_booked, refunds)]
    paid_minor = 0
    for time, amount_minor, final in sorted(moves, key=lambda move: moment(move[0])):
        paid_minor += amount_minor
        if paid_minor >= order.total.amount_minor or final:
            return time
    return order.update_time


def _is_booked(refund: payment_pb2.Refund) -> bool:
    """Whether it gave back what had been booked as captured."""
    booked = refund.reason != payment_pb2.REFUND_REASON_CONTRADICTION
    return booked and refund.state == payment_pb2.REFUND_STATE_SUCCEEDED
