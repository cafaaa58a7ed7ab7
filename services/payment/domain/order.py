"""What payment knows of orders, and whether a payment may be for one. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from paykit.errors import DomainError, Kind
from paystream.payment.v1 import events


class OrderState(StrEnum):
    """How far an order has come, by what order.events told."""

    OPEN = "OPEN"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


CLOSED = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
"""What is captured for such an order goes back."""


class OrderUnknown(DomainError):
    """No event has told of this order."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_UNKNOWN"


class OrderMerchantMismatch(DomainError):
    """The order is another merchant's."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_MERCHANT_MISMATCH"


class OrderCurrencyMismatch(DomainError):
    """The order is in another currency; metadata says which."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_CURRENCY_MISMATCH"


class OrderClosed(DomainError):
    """The order is not paid for any more; metadata says why."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_CLOSED"


class OrderAmountExceeded(DomainError):
    """The amount is more than is left to pay; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_AMOUNT_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as far as payments need it."""

    order_id: str
    merchant_id: str
    currency_code: str
    total_minor: int
    state: OrderState
    correlation_id: str
    aggregate_version: int


def unknown(order_id: str) -> OrderUnknown:
    """Give the refusal of a payment for an order never heard of."""
    return OrderUnknown("The order is not known.", field="order_id", order_id=order_id)


def refusal(
    order: Order, *, merchant_id: str, currency_code: str, amount_minor: int, left_minor: int
) -> DomainError | None:
    """Say why an order cannot be paid for by a payment; None if it can.

    Args:
        order: What it is for.
        merchant_id: Whom the payment pays.
        currency_code: Of the payment.
        amount_minor: Of the payment.
        left_minor: The total, less what other payments have captured or still may capture.
    """
    if order.merchant_id != merchant_id:
        return OrderMerchantMismatch("The order is another merchant's.", field="order_id")
    if order.currency_code != currency_code:
        return OrderCurrencyMismatch(
            f"The order is in {order.currency_code}.", field="amount.currency_code", currency_code=order.currency_code
        )
    if order.state is not OrderState.OPEN:
        return OrderClosed(f"The order is {order.state}.", field="order_id", state=order.state)
    if amount_minor > left_minor:
        return OrderAmountExceeded(
            f"Only {left_minor} minor units of {currency_code} are left to pay.",
            field="amount.amount_minor",
            left_minor=str(left_minor),
            currency_code=currency_code,
        )
    return None


def refund_of_capture(
    order: Order, *, amount_minor: int, captured_minor: int
) -> tuple[int, events.RefundReason] | None:
    """Say what of a capture goes back at once, and why; None if nothing does.

    Args:
        order: What the payment is for.
        amount_minor: Captured just now.
        captured_minor: Captured by all payments for the order, this capture included.
    """
    if order.state in CLOSED:
        return amount_minor, events.RefundReason.ORDER_CANCELLED
    excess_minor = min(amount_minor, captured_minor - order.total_minor)
    return (excess_minor, events.RefundReason.DUPLICATE) if excess_minor > 0 else None
