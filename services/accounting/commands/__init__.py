"""The business operations of accounting: lock, decide, save, emit."""

from services.accounting.commands import events, journals, posting, verification

__all__ = ["events", "journals", "posting", "verification"]
