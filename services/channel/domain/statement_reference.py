"""What a line knows of its statement when it is written: names that follow from day and currency. Pure."""

import hashlib
from datetime import date, timedelta
from functools import lru_cache

from paykit.ids import named_id
from services.channel.domain.transaction import CHANNEL

REFERENCE_NUMBER_DIGITS = 23
"""Digits of an acquirer's reference number. Source: the card schemes' ARN."""
PAYOUT_DELAY = timedelta(days=1)
"""From the day of a line to that on which the acquirer pays it to the platform's bank account."""
_DAYS_CACHED_MAX = 1_024


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def statement_id(line_date: str, currency_code: str) -> str:
    """Return the id of the statement of a day, YYYY-MM-DD, and currency."""
    return named_id("stm", CHANNEL, line_date, currency_code)


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def payout_reference(line_date: str, currency_code: str) -> str:
    """Return the acquirer's reference of what it pays to the platform for a day."""
    return named_id("chp", statement_id(line_date, currency_code))


def bank_reference(line_date: str, currency_code: str) -> str:
    """Return the bank's reference of what the acquirer pays to the platform for a day."""
    return named_id("bnk", statement_id(line_date, currency_code))


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def payout_date(line_date: str) -> str:
    """Return from when what the acquirer pays for a day counts at the platform's bank account, YYYY-MM-DD."""
    return (date.fromisoformat(line_date) + PAYOUT_DELAY).isoformat()


def acquirer_reference(channel_reference: str) -> str:
    """Return the number by which the card schemes know a capture or refund."""
    digest = hashlib.sha1(channel_reference.encode(), usedforsecurity=False).digest()
    return f"7{int.from_bytes(digest) % 10 ** (REFERENCE_NUMBER_DIGITS - 1):0{REFERENCE_NUMBER_DIGITS - 1}}"
