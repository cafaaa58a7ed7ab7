"""The rules of payment: states, decisions and the events that tell of them. Pure."""

from services.payment.domain import (
    attempt,
    authorization,
    capture,
    contradiction,
    dispute,
    fee,
    late_capture,
    later_word,
    movement,
    order,
    payment,
    refund,
    refund_share,
    reversal,
    routing,
)

__all__ = [
    "attempt",
    "authorization",
    "capture",
    "contradiction",
    "dispute",
    "fee",
    "late_capture",
    "later_word",
    "movement",
    "order",
    "payment",
    "refund",
    "refund_share",
    "reversal",
    "routing",
]
