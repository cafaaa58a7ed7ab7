"""The business operations of reconciliation: lock, decide, save, emit."""

from services.reconciliation.commands import booking, contradiction, resolving

__all__ = ["booking", "contradiction", "resolving"]
