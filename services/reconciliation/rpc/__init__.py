"""The servicers of reconciliation."""

from services.reconciliation.rpc.reconciliation import servicers

__all__ = ["servicers"]
