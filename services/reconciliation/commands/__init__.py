"""What is done with statements, movements and discrepancies, each in one transaction."""

from services.reconciliation.commands import collecting, differing, importing, matching, rule_sets, statements

__all__ = ["collecting", "differing", "importing", "matching", "rule_sets", "statements"]
