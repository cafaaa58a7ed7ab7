"""Payment on the wire: between messages and domain values."""

from services.payment.messages import captures, disputes, payments

__all__ = ["captures", "disputes", "payments"]
