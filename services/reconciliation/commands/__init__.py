"""The business operations of reconciliation: lock, decide, save, emit."""

from services.reconciliation.commands import (
    booking,
    collecting,
    contradiction,
    differing,
    evidence,
    importing,
    ledger,
    matching,
    reporting,
    resolving,
    rule_sets,
    statements,
)

__all__ = [
    "booking",
    "collecting",
    "contradiction",
    "differing",
    "evidence",
    "importing",
    "ledger",
    "matching",
    "reporting",
    "resolving",
    "rule_sets",
    "statements",
]
