"""The rules of reconciliation. Pure."""

from services.reconciliation.domain import (
    contradiction,
    correction,
    discrepancy,
    ending,
    movement,
    pairing,
    resolution,
    rule_set,
    statement,
    uncleared,
)

__all__ = [
    "contradiction",
    "correction",
    "discrepancy",
    "ending",
    "movement",
    "pairing",
    "resolution",
    "rule_set",
    "statement",
    "uncleared",
]
