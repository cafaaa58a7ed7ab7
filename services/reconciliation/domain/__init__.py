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
    resolution,
    rule_set,
    statement,
    statement_file,
    uncleared,
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
    "resolution",
    "rule_set",
    "statement",
    "statement_file",
    "uncleared",
]
