"""Accounting periods: what two people have closed takes nothing any more. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from paykit.base.four_eyes import SamePerson, same_person
from paykit.errors import DomainError, FieldInvalid, Kind

TICK = timedelta(microseconds=1)
"""Between the end of what is closed and the first moment that is open."""


class PeriodClosed(DomainError):
    """The period is closed: nothing is dated into it any more."""

    kind = Kind.FAILED_PRECONDITION
    reason = "PERIOD_CLOSED"


class PeriodState(StrEnum):
    """Whether a second person has agreed."""

    PROPOSED = "PROPOSED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """All up to a moment and with it, which is closed once two people have asked for it.

    Attributes:
        end_at: The last moment of it.
        closer: Who agreed; None while nobody has.
        reason: Why, as the proposer says.
    """

    period_id: str
    end_at: datetime
    state: PeriodState
    proposer: str
    closer: str | None = None
    reason: str
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod:
    """What a person asks for, the first or the second."""

    end_at: datetime
    reason: str
    person: str | None


def close(
    asked: ClosePeriod, period: Period | None, *, period_id: str, closed_through: datetime | None, now: datetime
) -> Period:
    """Propose to close a period, or close what another person proposed; asking again changes nothing.

    Args:
        asked: What the caller asks for.
        period: The one that ends then, if anybody asked before.
        period_id: Of a new one.
        closed_through: The end of what is closed; None if nothing is.
        now: Business time.

    Raises:
        SamePerson: The caller has no name.
        FieldInvalid: The end is ahead of now.
        PeriodClosed: A later period is closed.
    """
    person = asked.person
    if person is None:
        raise SamePerson("Who closes a period needs a name.")
    if asked.end_at > now:
        raise FieldInvalid("end_time must not be ahead of now.", field="end_time")
    if period is not None and (period.state is PeriodState.CLOSED or same_person(person, period.proposer)):
        return period
    if closed_through is not None and asked.end_at <= closed_through:
        raise _closed(closed_through, field="end_time")
    if period is not None:
        return replace(period, state=PeriodState.CLOSED, closer=person, update_time=now)
    return Period(
        period_id=period_id,
        end_at=asked.end_at,
        state=PeriodState.PROPOSED,
        proposer=person,
        reason=asked.reason,
        create_time=now,
        update_time=now,
    )


def first_open(occurred_at: datetime, closed_through: datetime | None) -> datetime:
    """Return when something late is effective: then, or in the first moment that is open."""
    return occurred_at if closed_through is None or occurred_at > closed_through else closed_through + TICK


def require_open(effective_at: datetime, closed_through: datetime | None) -> None:
    """Accept a date in what is open.

    Raises:
        PeriodClosed: It lies in what is closed.
    """
    if closed_through is not None and effective_at <= closed_through:
        raise _closed(closed_through, field="effective_time")


def _closed(closed_through: datetime, *, field: str) -> PeriodClosed:
    through = closed_through.isoformat()
    return PeriodClosed(f"All up to {through} is closed.", field=field, closed_through_time=through)
