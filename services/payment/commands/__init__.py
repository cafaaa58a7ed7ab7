"""The business operations of payment: lock, decide, save, emit."""

from services.payment.commands import (
    capture,
    contradiction,
    dispute,
    ending,
    evidence,
    failover,
    late_capture,
    later_word,
    order,
    order_matching,
    payment,
    refund,
    refund_funds,
    withholding,
    work,
)
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
    "payment",
    "refund",
    "refund_funds",
    "withholding",
    "work",
]
