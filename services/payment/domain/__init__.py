"""The rules of payment: states, decisions and the events that tell of them. Pure."""

from services.payment.domain import (
    attempt,
    authorization,
    capture,
    dispute,
    fee,
    funds,
    method,
    movement,
    order,
    payment,
    refund,
    refund_share,
    reminder,
    routing,
)
from services.payment.domain.disputing import dispute_answer, dispute_rulings, dispute_words
from services.payment.domain.later import contradiction, late_capture, later_word, refund_return, reversal

__all__ = [
    "attempt",
    "authorization",
    "capture",
    "contradiction",
    "dispute",
    "dispute_answer",
    "dispute_rulings",
    "dispute_words",
    "fee",
    "funds",
    "late_capture",
    "later_word",
    "method",
    "movement",
    "order",
    "payment",
    "refund",
    "refund_return",
    "refund_share",
    "reminder",
    "reversal",
    "routing",
]
