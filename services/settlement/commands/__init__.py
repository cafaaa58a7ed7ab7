"""The business operations of settlement: lock, decide, save, emit."""

from services.settlement.commands import booking, closing, collecting, following, transferring

__all__ = ["booking", "closing", "collecting", "following", "transferring"]
