"""Every SQL statement of payment."""

from services.payment.store import attempts, captures, disputes, merchants, orders, overdue, payments, refunds

__all__ = ["attempts", "captures", "disputes", "merchants", "orders", "overdue", "payments", "refunds"]
