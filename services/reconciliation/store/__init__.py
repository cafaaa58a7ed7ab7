"""Every statement that reconciliation sends to PostgreSQL, by table."""

from services.reconciliation.store import matching, verification
from services.reconciliation.store.discrepancy import DiscrepancyFilter, count_open, discrepancies, facts_of
from services.reconciliation.store.matching import Difference
from services.reconciliation.store.movement import keep_unmoved, movements, unmoved_attempts, wait_for_lines
from services.reconciliation.store.rule_set import RuleSetFilter, rule_sets
from services.reconciliation.store.statement import (
    StatementFilter,
    any_undecided,
    lines,
    own_lines,
    payout_at_the_bank,
    statements,
)
from services.reconciliation.store.statement_file import add_lines, count_lines, statement_files

__all__ = [
    "Difference",
    "DiscrepancyFilter",
    "RuleSetFilter",
    "StatementFilter",
    "add_lines",
    "any_undecided",
    "count_lines",
    "count_open",
    "discrepancies",
    "facts_of",
    "keep_unmoved",
    "lines",
    "matching",
    "movements",
    "own_lines",
    "payout_at_the_bank",
    "rule_sets",
    "statement_files",
    "statements",
    "unmoved_attempts",
    "verification",
    "wait_for_lines",
]
