"""The business operations of reconciliation: lock, decide, save, emit."""

from services.reconciliation.commands import booking, resolving

__all__ = ["booking", "resolving"]
