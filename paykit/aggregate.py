"""What every aggregate has, what a change that an event tells does to it, and what its events begin with. Pure."""

from datetime import datetime
from typing import Protocol, TypedDict

from paykit.clock import no_earlier
from paykit.errors import EtagMismatch

_LETTERS = str.maketrans("0123456789", "abcdefghij")


class Versioned(Protocol):
    """What has one version after the other.

    Attributes:
        update_time: Of its latest change.
        aggregate_version: From 1, +1 with every event.
    """

    @property
    def update_time(self) -> datetime: ...  # noqa: D102 - as the class says
    @property
    def aggregate_version(self) -> int: ...  # noqa: D102


class Aggregate(Versioned, Protocol):
    """What is changed as a whole, and is of a merchant.

    Attributes:
        correlation_id: The journey that all its events carry.
    """

    @property
    def merchant_id(self) -> str: ...  # noqa: D102 - as the class says
    @property
    def correlation_id(self) -> str: ...  # noqa: D102


class Revision(TypedDict):
    """The fields that every change told by an event changes: for `dataclasses.replace`, beside those of the change."""

    update_time: datetime
    aggregate_version: int


class AggregateFacts(TypedDict):
    """The fields that all events of an aggregate share, whatever it is."""

    occurred_at: datetime
    merchant_id: str
    correlation_id: str
    aggregate_version: int


def next_revision(aggregate: Versioned, now: datetime) -> Revision:
    """Return what a change at `now` makes of the revision; an event must tell of it, as each version has one."""
    update_time = no_earlier(now, aggregate.update_time)
    return {"update_time": update_time, "aggregate_version": aggregate.aggregate_version + 1}


def aggregate_facts(aggregate: Aggregate) -> AggregateFacts:
    """Return what an event of the latest change begins with."""
    return {
        "occurred_at": aggregate.update_time,
        "merchant_id": aggregate.merchant_id,
        "correlation_id": aggregate.correlation_id,
        "aggregate_version": aggregate.aggregate_version,
    }


def require_etag(given: str, present: str, **named: str) -> None:
    """Check that something is still as a caller read it; an empty etag asks for nothing.

    Args:
        given: By the caller.
        present: What the resource has now.
        named: The resource's id, for the refusal.

    Raises:
        EtagMismatch: It changed.
    """
    if given and given != present:
        raise EtagMismatch("It changed since it was read.", field="etag", **named)


def etag_of(*parts: int) -> str:
    """Write numbers that change with a resource as an etag: in letters, a for 0 to j for 9.

    Digits and hyphens may by chance be a card number, which no request may carry.
    """
    return "-".join(map(str, parts)).translate(_LETTERS)
