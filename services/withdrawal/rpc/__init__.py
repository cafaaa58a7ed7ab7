"""The calls of withdrawal: messages to commands and back."""

from services.withdrawal.rpc.withdrawal import servicers

__all__ = ["servicers"]
