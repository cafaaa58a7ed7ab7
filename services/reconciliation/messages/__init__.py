"""Reconciliation on the wire."""

from services.reconciliation.messages import discrepancy, resolving, rule_set, statement

__all__ = ["discrepancy", "resolving", "rule_set", "statement"]
