"""The business operations of accounting: lock, decide, save, emit."""

from services.accounting.commands import journals, posting

__all__ = ["journals", "posting"]
