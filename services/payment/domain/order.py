"""What payment knows of orders, and whether a payment may be for one. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from paykit.errors import DomainError, Kind
from paystream.payment.v1 import events


class ProjectedOrderState(StrEnum):
    """How far an order has come, by what order.events told."""

    OPEN = "OPEN"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


CLOSED = frozenset({ProjectedOrderState.CANCELLED, ProjectedOrderState.EXPIRED})
"""What is captured for such an order goes back."""


class OrderUnknown(DomainError):
    """No event has told of this order."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_UNKNOWN"
    retry_after_s = 1


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
class ProjectedOrder:
    """An order as far as payments need it."""

    order_id: str
    merchant_id: str
    currency_code: str
    total_minor: int
    state: ProjectedOrderState
    correlation_id: str
    aggregate_version: int


def unknown(order_id: str) -> OrderUnknown:
    """Return the refusal of a payment for an order never heard of."""
    return OrderUnknown("The order is not known.", field="order_id", order_id=order_id)


def require_payable(
    order: ProjectedOrder, *, merchant_id: str, currency_code: str, amount_minor: int, left_minor: int
) -> None:
    """Check that an order can be paid for by a payment.

    Args:
        order: What it is for.
        merchant_id: Whom the payment pays.
        currency_code: Of the payment.
        amount_minor: Of the payment.
        left_minor: The total, less what other payments have paid or still may capture.

    Raises:
        OrderMerchantMismatch, OrderCurrencyMismatch, OrderClosed, OrderAmountExceeded: It cannot.
    """
    if order.merchant_id != merchant_id:
        raise OrderMerchantMismatch("The order is another merchant's.", field="order_id")
    if order.currency_code != currency_code:
        raise OrderCurrencyMismatch(
            f"The order is in {order.currency_code}.", field="amount.currency_code", currency_code=order.currency_code
        )
    if order.state is not ProjectedOrderState.OPEN:
        raise OrderClosed(f"The order is {order.state}.", field="order_id", state=order.state)
    if amount_minor > left_minor:
        raise OrderAmountExceeded(
            f"Only {left_minor} minor units of {currency_code} are left to pay.",
            field="amount.amount_minor",
            left_minor=str(left_minor),
            currency_code=currency_code,
        )


def refund_of_capture(
    order: ProjectedOrder, *, amount_minor: int, paid_minor: int
) -> tuple[int, events.RefundReason] | None:
    """Return what of a capture goes back at once, and why; None if nothing does.

    Args:
        order: What the payment is for.
        amount_minor: Captured just now.
        paid_minor: Captured by all payments for the order, this capture included, less what was refunded and lost.
    """
    if order.state in CLOSED:
        return amount_minor, events.RefundReason.ORDER_CANCELLED
    excess_minor = min(amount_minor, paid_minor - order.total_minor)
    return (excess_minor, events.RefundReason.DUPLICATE) if excess_minor > 0 else None
