"""The business operations of payment: lock, decide, save, emit."""

from services.payment.commands import (
    capture,
    contradiction,
    dispute,
    ending,
    evidence,
    failover,
    order,
    order_matching,
    payment,
    refund,
    refund_funds,
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
    "order",
    "order_matching",
    "payment",
    "refund",
    "refund_funds",
    "work",
]
