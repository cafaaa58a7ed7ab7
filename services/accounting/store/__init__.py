"""Every SQL statement of accounting."""

from services.accounting.store import account_flows, books, postings, reading, verification

__all__ = ["account_flows", "books", "postings", "reading", "verification"]
