"""Every SQL statement of reconciliation."""

from services.reconciliation.store import (
    ledger,
    matching,
    regrouping,
    report,
    uncleared,
    verification,
    waiting,
)
from services.reconciliation.store.correction import CorrectionFilter, corrections
from services.reconciliation.store.difference import account_kinds, differences, keep_account_kinds
from services.reconciliation.store.discrepancy import (
    DiscrepancyFilter,
    count_open,
    discrepancies,
    facts_of,
)
from services.reconciliation.store.evidence import unattributed_evidence
from services.reconciliation.store.movement import keep_unmoved, movements, unmoved_attempts, wait_for_lines
from services.reconciliation.store.rule_set import RuleSetFilter, default_rules, rule_sets
from services.reconciliation.store.statement import (
    StatementFilter,
    count_unreconciled,
    lines,
    own_lines,
    payout_at_the_bank,
    statements,
)
from services.reconciliation.store.statement_file import add_lines, count_lines, statement_files
from services.reconciliation.store.uncleared import UnclearedAmount, UnclearedFilter

__all__ = [
    "CorrectionFilter",
    "DiscrepancyFilter",
    "RuleSetFilter",
    "StatementFilter",
    "UnclearedAmount",
    "UnclearedFilter",
    "account_kinds",
    "add_lines",
    "corrections",
    "count_lines",
    "count_open",
    "count_unreconciled",
    "default_rules",
    "differences",
    "discrepancies",
    "facts_of",
    "keep_account_kinds",
    "keep_unmoved",
    "ledger",
    "lines",
    "matching",
    "movements",
    "own_lines",
    "payout_at_the_bank",
    "regrouping",
    "report",
    "rule_sets",
    "statement_files",
    "statements",
    "unattributed_evidence",
    "uncleared",
    "unmoved_attempts",
    "verification",
    "wait_for_lines",
    "waiting",
]
