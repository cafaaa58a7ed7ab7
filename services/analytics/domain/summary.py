"""Tallies put together to what is shown: by measure, by reason, and the rates that follow. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.analytics.domain.figure import NOTHING, Measure, Tally


class Group(NamedTuple):
    """What a row is about; empty where it is not grouped by that."""

    start_time: datetime
    currency_code: str
    merchant_id: str
    channel: str
    method: str
    reason: str


class Sum(NamedTuple):
    """The sum of one measure and reason in a group."""

    group: Group
    measure: Measure
    reason: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of what is above 0."""

    numerator: int
    denominator: int

    @property
    def basis_points(self) -> int:
        """In hundredths of a percent, a half rounded up."""
        return (20_000 * self.numerator + self.denominator) // (2 * self.denominator)


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in one group and currency.

    Attributes:
        reasons: By measure and reason, in their order.
    """

    tallies: dict[Measure, Tally] = field(default_factory=dict)
    reasons: dict[tuple[Measure, str], Tally] = field(default_factory=dict)

    def get(self, measure: Measure) -> Tally:
        """Return the tally of a measure."""
        return self.tallies.get(measure, NOTHING)

    @property
    def success_rate(self) -> Rate | None:
        """Payments that succeeded, of those that succeeded or failed."""
        succeeded = self.get(Measure.SUCCEEDED).count
        return _rate(succeeded, succeeded + self.get(Measure.FAILED).count)

    @property
    def refund_rate(self) -> Rate | None:
        """The amount refunded, of the amount captured."""
        return _rate(self.get(Measure.REFUNDED).amount_minor, self.get(Measure.CAPTURED).amount_minor)

    @property
    def dispute_rate(self) -> Rate | None:
        """Disputes opened, per capture."""
        return _rate(self.get(Measure.DISPUTE_OPENED).count, self.get(Measure.CAPTURED).count)

    @property
    def captured_average_minor(self) -> int | None:
        """The mean amount of a capture, rounded down."""
        captured = self.get(Measure.CAPTURED)
        return captured.amount_minor // captured.count if captured.count else None

    @property
    def time_to_capture_average_ms(self) -> int | None:
        """The mean time to the first capture, rounded down."""
        succeeded = self.get(Measure.SUCCEEDED)
        return succeeded.duration_ms // succeeded.count if succeeded.count else None

    def add(self, measure: Measure, reason: str, tally: Tally) -> None:
        """Add a tally of a measure, and of its reason where it has one."""
        self.tallies[measure] = self.get(measure).plus(tally)
        if reason:
            at = (measure, reason)
            self.reasons[at] = self.reasons.get(at, NOTHING).plus(tally)


def by_group(sums: Iterable[Sum]) -> dict[Group, Figures]:
    """Put sums together by group, in the order of the groups."""
    groups: dict[Group, Figures] = {}
    for part in sorted(sums, key=lambda part: part[:3]):
        groups.setdefault(part.group, Figures()).add(part.measure, part.reason, part.tally)
    return groups


def _rate(numerator: int, denominator: int) -> Rate | None:
    return Rate(numerator, denominator) if denominator > 0 else None
