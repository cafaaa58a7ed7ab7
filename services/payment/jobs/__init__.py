"""Timed work of payment, and calls that leave the process."""

from services.payment.jobs import attempts, channels, disputes, failover, overdue

__all__ = ["attempts", "channels", "disputes", "failover", "overdue"]
