"""The business operations of payment: lock, decide, save, emit."""

from services.payment.commands import (
    capture,
    dispute,
    ending,
    evidence,
    failover,
    order,
    order_matching,
    payer_action,
    payment,
    refund,
    refund_funds,
    reminder,
    withholding,
    work,
)
from services.payment.commands.later import contradiction, late_capture, later_word
from services.payment.commands.work import SUBMISSION_JOBS

__all__ = [
    "SUBMISSION_JOBS",
    "capture",
    "contradiction",
    "dispute",
    "ending",
    "evidence",
    "failover",
    "late_capture",
    "later_word",
    "order",
    "order_matching",
    "payer_action",
    "payment",
    "refund",
    "refund_funds",
    "reminder",
    "withholding",
    "work",
]
