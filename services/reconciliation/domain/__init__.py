"""What reconciliation decides, and what it is about. Pure."""

from services.reconciliation.domain import discrepancy, movement, pairing, rule_set, statement, statement_file

__all__ = ["discrepancy", "movement", "pairing", "rule_set", "statement", "statement_file"]
