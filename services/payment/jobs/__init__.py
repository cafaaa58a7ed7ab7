"""Timed work of payment, and calls that leave the process."""

from services.payment.jobs import attempts, dispute_answers, disputes, failover, overdue, simulator

__all__ = ["attempts", "dispute_answers", "disputes", "failover", "overdue", "simulator"]
