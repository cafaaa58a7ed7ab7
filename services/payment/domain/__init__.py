"""The rules of payment: states, decisions and the events that tell of them. Pure."""

from services.payment.domain import (
    attempt,
    authorization,
    capture,
    contradiction,
    dispute,
    dispute_rulings,
    dispute_words,
    fee,
    funds,
    movement,
    order,
    payment,
    refund,
    refund_share,
    routing,
)

__all__ = [
    "attempt",
    "authorization",
    "capture",
    "contradiction",
    "dispute",
    "dispute_rulings",
    "dispute_words",
    "fee",
    "funds",
    "movement",
    "order",
    "payment",
    "refund",
    "refund_share",
    "routing",
]
