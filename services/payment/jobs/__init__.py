"""Timed work of payment, and calls that leave the process."""

from services.payment.jobs import (
    attempts,
    channels,
    contradictions,
    disputes,
    failover,
    overdue,
    refunds,
    reminders,
    returns,
)

__all__ = [
    "attempts",
    "channels",
    "contradictions",
    "disputes",
    "failover",
    "overdue",
    "refunds",
    "reminders",
    "returns",
]
