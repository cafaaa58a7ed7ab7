"""The rules of payment: states, decisions and the events that tell of them. Pure."""

from services.payment.domain import (
    attempt,
    authorization,
    capture,
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
from services.payment.domain.later import contradiction, late_capture, later_word, refund_return, reversal

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
    "late_capture",
    "later_word",
    "movement",
    "order",
    "payment",
    "refund",
    "refund_return",
    "refund_share",
    "reversal",
    "routing",
]
