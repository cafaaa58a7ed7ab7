"""The rules of reconciliation. Pure."""

from services.reconciliation.domain import (
    contradiction,
    correction,
    discrepancy,
    ending,
    evidence,
    ledger,
    movement,
    pairing,
    report,
    resolution,
    rule_set,
    statement,
    statement_file,
    uncleared,
    verification,
)

__all__ = [
    "contradiction",
    "correction",
    "discrepancy",
    "ending",
    "evidence",
    "ledger",
    "movement",
    "pairing",
    "report",
    "resolution",
    "rule_set",
    "statement",
    "statement_file",
    "uncleared",
    "verification",
]
