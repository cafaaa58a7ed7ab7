"""The rules of accounting: states, decisions and the events that tell of them. Pure."""

from services.accounting.domain import (
    archive,
    booked_event,
    booking,
    chart,
    correction,
    journal,
    lifecycle,
    period,
    proposal,
    shortfall,
    statement,
    transaction,
    transaction_key,
)

__all__ = [
    "archive",
    "booked_event",
    "booking",
    "chart",
    "correction",
    "journal",
    "lifecycle",
    "period",
    "proposal",
    "shortfall",
    "statement",
    "transaction",
    "transaction_key",
]
