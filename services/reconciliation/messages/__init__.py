"""Reconciliation on the wire."""

from services.reconciliation.messages import discrepancy, report, resolving, rule_set, statement

__all__ = ["discrepancy", "report", "resolving", "rule_set", "statement"]
