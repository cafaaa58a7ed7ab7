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
    payer_action,
    payment,
    refund,
    refund_share,
    reminder,
    routing,
)
from services.payment.domain.disputing import dispute_answer, dispute_rulings, dispute_words
from services.payment.domain.later import contradiction, late_capture, later_word, refund_return, reversal
from services.payment.domain.unanswered import awaiting, lost_answer

__all__ = [
    "attempt",
    "authorization",
    "awaiting",
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
    "lost_answer",
    "method",
    "movement",
    "order",
    "payer_action",
    "payment",
    "refund",
    "refund_return",
    "refund_share",
    "reminder",
    "reversal",
    "routing",
]
