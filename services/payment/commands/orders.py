"""What happens to payments when their order is closed, and to captures for orders that are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment.commands import captures as capture_commands
from services.payment.commands.changes import Changes
from services.payment.domain import authorization, order
from services.payment.domain import payment as domain
from services.payment.domain.order import Order
from services.payment.domain.payment import CaptureMode, Payment, PaymentState
from services.payment.store import orders as order_store
from services.payment.store import payments as store

_NOT_AGAIN = frozenset({events.RefundReason.ORDER_CANCELLED, events.RefundReason.CONTRADICTION})
"""Reasons of refunds that closing an order has nothing to do with any more, or never had."""


@dataclass(slots=True, kw_only=True)
class CapturedOrders:
    """The orders of payments being captured, or whose refunds fail, read after those payments were locked.

    Whoever closes an order writes its row first and locks its payments then. So either the order is seen closed here,
    or the capture is seen captured there.

    Attributes:
        captured_minor: By order: captured by all its payments, those of this transaction so far included.
    """

    orders: dict[str, Order]
    captured_minor: dict[str, int]

    def refund_if_due(self, tx: Tx, event: events.PaymentSuccess, changes: Changes, cause: Cause) -> None:
        """Give a capture back if its order is closed or paid for already; emits RefundCreated."""
        known = self.orders.get(event.order_id or "")
        if known is None:
            return
        self.captured_minor[known.order_id] = self.captured_minor.get(known.order_id, 0) + event.amount_minor
        due = order.refund_of_capture(
            known, amount_minor=event.amount_minor, captured_minor=self.captured_minor[known.order_id]
        )
        if due:
            amount_minor, reason = due
            changes.refund_now(
                tx,
                event.payment_id,
                amount_minor=amount_minor,
                reason=reason,
                of_capture=event.capture_id,
                cause=cause,
            )

    def refund_again(self, tx: Tx, failed: events.RefundFailed, changes: Changes, cause: Cause) -> None:
        """Give back what a refund that failed was to give back, if its order was closed meanwhile; emits RefundCreated.

        While it was under way, it was left out of what closing the order gave back. That is tried once: a refund for
        this very reason that fails too is told as any other.
        """
        known = self.orders.get(failed.order_id or "")
        if known is None or known.state not in order.CLOSED or failed.reason in _NOT_AGAIN:
            return
        changes.refund_now(
            tx,
            failed.payment_id,
            amount_minor=failed.amount_minor,
            reason=events.RefundReason.ORDER_CANCELLED,
            of_capture=failed.capture_id,
            cause=cause,
        )


async def captured_orders(tx: Tx, captured: Sequence[Payment]) -> CapturedOrders:
    """Read the orders of locked payments that are captured or given back; no statement where there is none."""
    order_ids = sorted({payment.order_id for payment in captured if payment.order_id})
    if not order_ids:
        return CapturedOrders(orders={}, captured_minor={})
    return CapturedOrders(
        orders=await order_store.orders(tx, order_ids), captured_minor=await order_store.captured_minor(tx, order_ids)
    )


async def close_orders(tx: Tx, causes: Mapping[str, Cause]) -> None:
    """Undo the payments for orders whose rows this transaction has just written as closed.

    What is captured and not refunded is refunded, what is authorized is voided, what was not sent is cancelled; what is
    under way is undone when its outcome is known. Emits RefundCreated and PaymentCancelled, and writes attempts.

    Args:
        tx: Holds the rows of the orders.
        causes: What closed each order, by its id.
    """
    changes = Changes(payments=await store.lock_payments_of_orders(tx, sorted(causes)))
    await capture_commands.lock_unsent(tx, changes)
    for payment in list(changes.payments.values()):
        _undo(tx, payment, changes, causes[payment.order_id or ""])
    await changes.save(tx)


def _undo(tx: Tx, payment: Payment, changes: Changes, cause: Cause) -> None:
    reason = events.CancelReason.ORDER_CLOSED
    unsent = capture_commands.unsent_attempt(payment, changes)
    if unsent:
        capture_commands.cancel_unsent(tx, payment, unsent, reason=reason, changes=changes, cause=cause)
        return
    if _may_be_captured(payment):
        changes.put_payment(authorization.intend_cancel(payment, reason=reason, now=tx.now))
        changes.void_if_due(tx, payment.payment_id, traceparent=cause.traceparent)
    left_minor = domain.refundable_minor(payment)
    if left_minor:
        changes.refund_now(
            tx,
            payment.payment_id,
            amount_minor=left_minor,
            reason=events.RefundReason.ORDER_CANCELLED,
            of_capture=None,
            cause=cause,
        )


def _may_be_captured(payment: Payment) -> bool:
    """Say whether something is authorized, or may turn out to be; a charge under way is refunded once captured."""
    if payment.capture_mode is CaptureMode.AUTOMATIC:
        return False
    return payment.state in {PaymentState.CREATED, PaymentState.UNKNOWN} or authorization.uncaptured_minor(payment) > 0
