"""What is asked of the figures. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paykit.errors import DomainError, FieldInvalid, Kind
from services.analytics.domain import periods
from services.analytics.domain.figure import Measure
from services.analytics.domain.periods import Grain, Range

ROWS_MAX = 5_000
"""Rows of one answer."""


class ResultTooLarge(DomainError):
    """The answer has more rows than one may have."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RESULT_TOO_LARGE"


class Dimension(StrEnum):
    """What figures can be grouped by; the values are the columns of the table."""

    MERCHANT = "merchant_id"
    CHANNEL = "channel"
    METHOD = "method"
    REASON = "reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which figures count; None selects all."""

    merchant_id: str | None = None
    currency_code: str | None = None
    channel: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The groups of each currency that have most of a measure over the whole range.

    Attributes:
        by_count: Whether counts are compared, and not amounts.
    """

    measure: Measure
    by_count: bool
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Figures that are asked for.

    Attributes:
        zone: Of the periods; None for each merchant's own.
        group_by: Beside the currency.
        top: None for all groups.
    """

    start_time: datetime | None = None
    end_time: datetime | None = None
    grain: Grain = Grain.RANGE
    zone: str | None = "UTC"
    group_by: frozenset[Dimension] = frozenset()
    selection: Selection = Selection()
    top: Top | None = None

    def range(self, now: datetime) -> Range:
        """Return the range in whole quarters of an hour.

        Raises:
            FieldInvalid: It is empty, or has too many periods.
            TimeZoneUnknown: There is no such zone.
        """
        zone = self.zone or "UTC"
        periods.require_zone(zone)
        span = periods.range_of(self.start_time, self.end_time, now=now, zone=zone)
        periods.require_bounded(span, self.grain)
        return span


def require_one_zone(time_zone: str, *, merchant_time_zones: bool) -> None:
    """Refuse a zone beside those of merchants.

    Raises:
        FieldInvalid: Both are asked for.
    """
    if time_zone and merchant_time_zones:
        raise FieldInvalid("time_zone and merchant_time_zones exclude each other.", field="time_zone")


def too_large() -> ResultTooLarge:
    """Refuse an answer of too many rows."""
    return ResultTooLarge(f"The answer has more than {ROWS_MAX} rows.", rows_max=str(ROWS_MAX))
