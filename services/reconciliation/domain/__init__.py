"""The rules of reconciliation. Pure."""

from services.reconciliation.domain import contradiction, correction, discrepancy, ending, resolution, uncleared

__all__ = ["contradiction", "correction", "discrepancy", "ending", "resolution", "uncleared"]
