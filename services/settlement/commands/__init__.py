"""The business operations of settlement: lock, decide, save, emit."""

from services.settlement.commands import booking, closing, collecting

__all__ = ["booking", "closing", "collecting"]
