"""What happens to payments when their order is closed, and to captures for orders that are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from paykit.cause import Cause
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import payer_action
from services.payment.commands.capture import cancel_unsent, intend_cancel, with_unsent
from services.payment.commands.work import PaymentWork
from services.payment.domain.order import ProjectedOrder
from services.payment.domain.payment import CaptureMode, Payment, PaymentState

EndedRefund: TypeAlias = events.RefundSuccess | events.RefundFailed | events.RefundReturned
"""What tells how a refund ended, or that it came back."""


class FreeingEvent(Protocol):
    """An event after which an amount of a payment can be refunded again."""

    @property
    def payment_id(self) -> str:
        """The payment."""
        ...

    @property
    def order_id(self) -> str | None:
        """What it was for."""
        ...


_NOT_AGAIN = frozenset({events.RefundReason.ORDER_CANCELLED, events.RefundReason.CONTRADICTION})
"""Reasons of paystream's own refunds that closing an order has nothing to do with any more, or never had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedOrders:
    """The orders of payments being captured, or whose refunds fail, read after those payments were locked.

    Whoever closes an order writes its row first and locks its payments then. So either the order is seen closed here,
    or the capture is seen captured there.

    Attributes:
        captured_minor: By order: captured by all its payments, those of this transaction so far included.
        returned_minor: By order: refunded and lost of those, likewise.
    """

    orders: Mapping[str, ProjectedOrder]
    captured_minor: dict[str, int]
    returned_minor: dict[str, int]

    def is_closed(self, payment: Payment) -> bool:
        """Return whether a payment is for an order that is not paid for any more."""
        order = self.orders.get(payment.order_id or "")
        return order is not None and order.state in domain.order.CLOSED

    def returned_before(self, payment: Payment) -> int:
        """Return what was refunded and lost of all payments for a payment's order so far; 0 where it is for none."""
        return self.returned_minor.get(payment.order_id or "", 0)

    def count_refunded(self, event: events.RefundSuccess) -> None:
        """Count what a refund gave back of an order."""
        if event.reason is not events.RefundReason.CONTRADICTION:
            self._count(event.order_id, event.amount_minor - event.suspense_minor)

    def count_refund_returned(self, event: events.RefundReturned) -> None:
        """Count what came back of a refund for an order."""
        if event.reason is not events.RefundReason.CONTRADICTION:
            self._count(event.order_id, event.suspense_minor - event.amount_minor)

    def count_reversed(self, event: events.PaymentReversed) -> None:
        """Count what bounced of an order's captures."""
        self._count(event.order_id, event.amount_minor)

    def _count(self, order_id: str | None, amount_minor: int) -> None:
        order = self.orders.get(order_id or "")
        if order is not None:
            self.returned_minor[order.order_id] = self.returned_minor.get(order.order_id, 0) + amount_minor

    def refund_if_due(self, rows: PaymentWork, event: events.PaymentSuccess, cause: Cause) -> None:
        """Give a capture back, as far as is left, if its order is closed or paid for already; emits RefundCreated."""
        order = self.orders.get(event.order_id or "")
        if order is None:
            return
        captured_minor = self.captured_minor.get(order.order_id, 0) + event.amount_minor
        self.captured_minor[order.order_id] = captured_minor
        paid_minor = captured_minor - self.returned_minor.get(order.order_id, 0)
        due = domain.order.refund_of_capture(order, amount_minor=event.amount_minor, paid_minor=paid_minor)
        if due:
            amount_minor, reason = due
            rows.refund_now(
                event.payment_id, amount_minor=amount_minor, reason=reason, of_capture=event.capture_id, cause=cause
            )

    def refund_again(self, rows: PaymentWork, ended: EndedRefund, cause: Cause, *, amount_minor: int) -> None:
        """Give back what a refund that failed, came back or was done in part left, if its order was closed meanwhile.

        Emits RefundCreated. While it was under way, or out, it was left out of what closing the order gave back. That
        is tried once: paystream's own refund for this very reason that does not give back all is told as any other.
        """
        if not ended.automatic or ended.reason not in _NOT_AGAIN:
            self.refund_freed(rows, ended, amount_minor=amount_minor, cause=cause)

    def refund_freed(self, rows: PaymentWork, freeing: FreeingEvent, *, amount_minor: int, cause: Cause) -> None:
        """Give back what became free again of a capture, if its order was closed meanwhile; emits RefundCreated.

        It was held by a refund or a dispute when the order was closed, or had gone, and was left out of what closing it
        gave back.
        """
        order = self.orders.get(freeing.order_id or "")
        if order is None or order.state not in domain.order.CLOSED:
            return
        reason = events.RefundReason.ORDER_CANCELLED
        rows.refund_now(freeing.payment_id, amount_minor=amount_minor, reason=reason, of_capture=None, cause=cause)


async def captured_orders(tx: Tx, captured: Sequence[Payment]) -> CapturedOrders:
    """Read the orders of locked payments that are captured or given back; no statement where there is none."""
    order_ids = {payment.order_id for payment in captured if payment.order_id}
    if not order_ids:
        return CapturedOrders(orders={}, captured_minor={}, returned_minor={})
    captured_minor, returned_minor = await store.payments.paid_minor(tx, order_ids)
    return CapturedOrders(
        orders=await store.orders.by_key(tx, order_ids), captured_minor=captured_minor, returned_minor=returned_minor
    )


async def close_orders(tx: Tx, causes: Mapping[str, Cause]) -> None:
    """Undo the payments for orders whose rows this transaction has just written as closed.

    What is captured and not refunded is refunded, what is authorized is voided, what was not sent is cancelled; what is
    under way is undone when its outcome is known. Emits RefundCreated and PaymentCancelled, and writes attempts.

    Args:
        tx: Holds the rows of the orders.
        causes: What closed each order, by its id.
    """
    rows = await with_unsent(tx, await store.payments.lock_of_orders(tx, list(causes)))
    for payment in list(rows.payments.values()):
        _undo(rows, payment, causes[payment.order_id or ""])
    await rows.save()


def _undo(rows: PaymentWork, payment: Payment, cause: Cause) -> None:
    reason = events.CancelReason.ORDER_CLOSED
    if cancel_unsent(rows, payment, reason=reason, cause=cause) is not None:
        return
    if domain.awaiting.may_be_called_off(payment):
        payer_action.call_off(rows, payment, reason=reason, traceparent=cause.traceparent)
        return
    if _may_be_captured(payment):
        intend_cancel(rows, payment, reason=reason, traceparent=cause.traceparent)
    rows.refund_now(
        payment.payment_id,
        amount_minor=domain.payment.refundable_minor(payment),
        reason=events.RefundReason.ORDER_CANCELLED,
        of_capture=None,
        cause=cause,
    )


def _may_be_captured(payment: Payment) -> bool:
    """Return whether something is authorized, or may turn out to be; a charge under way is refunded once captured."""
    if payment.capture_mode is CaptureMode.AUTOMATIC:
        return False
    unanswered = payment.state in {PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.REQUIRES_ACTION}
    return unanswered or domain.authorization.uncaptured_minor(payment) > 0
