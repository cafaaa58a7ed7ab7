"""The rules of reconciliation. Pure."""

from services.reconciliation.domain import correction, discrepancy, ending, resolution, uncleared

__all__ = ["correction", "discrepancy", "ending", "resolution", "uncleared"]
