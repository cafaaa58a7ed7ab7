"""Payment on the wire: between messages and domain values."""

from services.payment.messages import attempt, capture, dispute, payment, refund

__all__ = ["attempt", "capture", "dispute", "payment", "refund"]
