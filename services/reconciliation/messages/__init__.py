"""Discrepancies and rule sets on the wire."""

from services.reconciliation.messages import statement
from services.reconciliation.messages.discrepancy import from_list_discrepancies, to_discrepancy
from services.reconciliation.messages.rule_set import (
    from_activate_rule_set,
    from_create_rule_set,
    from_list_rule_sets,
    read_day,
    to_rule_set,
    to_trial,
)

__all__ = [
    "from_activate_rule_set",
    "from_create_rule_set",
    "from_list_discrepancies",
    "from_list_rule_sets",
    "read_day",
    "statement",
    "to_discrepancy",
    "to_rule_set",
    "to_trial",
]
