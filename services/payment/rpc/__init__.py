"""The calls of payment: messages to commands and back."""

from services.payment.rpc.payment import servicers

__all__ = ["servicers"]
