"""The rules of accounting: states, decisions and the events that tell of them. Pure."""

from services.accounting.domain import booking, chart, journal, lifecycle, transaction

__all__ = ["booking", "chart", "journal", "lifecycle", "transaction"]
