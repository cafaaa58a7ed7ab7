"""A figure: how often and how much of one measure, in one quarter of an hour, for one merchant and currency. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

QUARTER = timedelta(minutes=15)
"""The finest period: the days of every time zone in use begin at a whole number of them."""


class Measure(StrEnum):
    """What is counted; the names are those of analytics.proto."""

    CREATED = "CREATED"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    CAPTURED = "CAPTURED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REVERSED = "REVERSED"
    LATE_RECEIVED = "LATE_RECEIVED"
    LATE_ACCEPTED = "LATE_ACCEPTED"
    REFUNDED = "REFUNDED"
    REFUND_FAILED = "REFUND_FAILED"
    REFUND_RETURNED = "REFUND_RETURNED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"
    DISPUTE_OVERTURNED_WON = "DISPUTE_OVERTURNED_WON"
    DISPUTE_OVERTURNED_LOST = "DISPUTE_OVERTURNED_LOST"
    FEES = "FEES"
    FEES_RETURNED = "FEES_RETURNED"
    DISPUTE_FEES = "DISPUTE_FEES"
    DISPUTE_FEES_RETURNED = "DISPUTE_FEES_RETURNED"
    SETTLED = "SETTLED"
    RESERVE_HELD = "RESERVE_HELD"
    RESERVE_RELEASED = "RESERVE_RELEASED"
    SETTLEMENT_FAILED = "SETTLEMENT_FAILED"
    WITHDRAWAL_CREATED = "WITHDRAWAL_CREATED"
    WITHDRAWN = "WITHDRAWN"
    WITHDRAWAL_FAILED = "WITHDRAWAL_FAILED"
    WITHDRAWAL_RETURNED = "WITHDRAWAL_RETURNED"
    BANK_FEES = "BANK_FEES"


class FigureKey(NamedTuple):
    """What a figure is about, in the order of its table's key.

    Attributes:
        channel: Empty where no channel took part.
        method: Empty where none is known.
        reason: Of what failed or was cancelled; empty otherwise.
        stripe: The partition of the topic that its events came from. No two consumers ever write one figure, so that
            they neither wait for each other nor meet in a ring; readers add the stripes.
    """

    merchant_id: str
    currency_code: str
    quarter_time: datetime
    channel: str
    method: str
    measure: Measure
    reason: str
    stripe: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How often, and how much.

    Attributes:
        duration_ms: The sum of what was timed; 0 for measures that are not.
    """

    count: int
    amount_minor: int
    duration_ms: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Add another."""
        return Tally(
            self.count + other.count, self.amount_minor + other.amount_minor, self.duration_ms + other.duration_ms
        )


NOTHING = Tally(0, 0)


def quarter_of(moment: datetime) -> datetime:
    """Return the beginning of the quarter of an hour that a moment in UTC lies in."""
    return moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)


def quarter_from(moment: datetime) -> datetime:
    """Return the first beginning of a quarter of an hour that does not lie before a moment in UTC."""
    before = quarter_of(moment)
    return before if before == moment else before + QUARTER


def summed(counted: Iterable[tuple[FigureKey, Tally]]) -> dict[FigureKey, Tally]:
    """Add up tallies by key, in the order of the keys."""
    sums: dict[FigureKey, Tally] = {}
    for key, tally in counted:
        sums[key] = sums.get(key, NOTHING).plus(tally)
    return dict(sorted(sums.items()))
