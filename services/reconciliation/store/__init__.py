"""Every SQL statement of reconciliation."""

from services.reconciliation.store import uncleared
from services.reconciliation.store.correction import CorrectionFilter, corrections
from services.reconciliation.store.difference import account_kinds, differences, keep_account_kinds
from services.reconciliation.store.discrepancy import DiscrepancyFilter, discrepancies
from services.reconciliation.store.uncleared import UnclearedAmount, UnclearedFilter

__all__ = [
    "CorrectionFilter",
    "DiscrepancyFilter",
    "UnclearedAmount",
    "UnclearedFilter",
    "account_kinds",
    "corrections",
    "differences",
    "discrepancies",
    "keep_account_kinds",
    "uncleared",
]
