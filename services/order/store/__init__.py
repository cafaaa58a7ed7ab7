"""Every SQL statement of order."""

from services.order.store import orders, payments

__all__ = ["orders", "payments"]
