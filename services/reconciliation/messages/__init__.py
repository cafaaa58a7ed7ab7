"""Reconciliation on the wire."""

from services.reconciliation.messages import discrepancy, resolving

__all__ = ["discrepancy", "resolving"]
