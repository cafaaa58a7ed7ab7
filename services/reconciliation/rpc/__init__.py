"""The calls of reconciliation: messages to commands and back."""

from services.reconciliation.rpc.reconciliation import servicers

__all__ = ["servicers"]
