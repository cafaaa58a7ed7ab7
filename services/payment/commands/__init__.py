"""The business operations of payment: lock, decide, save, emit."""

from services.payment.commands import captures, changes, disputes, endings, evidence, order_matching, orders, payments

__all__ = ["captures", "changes", "disputes", "endings", "evidence", "order_matching", "orders", "payments"]
