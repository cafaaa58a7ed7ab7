"""A story: what it begins with, and its steps in order of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paykit.errors import DomainError, Kind
from paystream.journey.v1 import journey_pb2 as pb
from services.journey.domain.notification import QUEUED
from services.journey.domain.step import CREATED, OPENED, moment

_DEPTHS = {
    pb.STEP_KIND_TRANSACTION: 0,
    pb.STEP_KIND_ORDER: 1,
    pb.STEP_KIND_PAYMENT: 2,
    pb.STEP_KIND_SETTLEMENT: 2,
    pb.STEP_KIND_WITHDRAWAL: 2,
    pb.STEP_KIND_CAPTURE: 3,
    pb.STEP_KIND_REFUND: 3,
    pb.STEP_KIND_DISPUTE: 3,
    pb.STEP_KIND_ATTEMPT: 4,
    pb.STEP_KIND_NOTIFICATION: 5,
}
"""How deep each kind lies in what it is a part of; transactions book what has ended."""
_ENDED_BY_THE_LEDGER = (pb.STEP_KIND_SETTLEMENT, "COMPLETED")
"""What a transaction ends, and so comes after it."""


class JourneyNotFound(DomainError):
    """No service knows the id."""

    kind = Kind.NOT_FOUND
    reason = "JOURNEY_NOT_FOUND"


@dataclass(frozen=True, kw_only=True)
class Story:
    """What belongs to one id; empty where nobody knows it.

    Attributes:
        root_id: What it begins with.
        correlation_id: The journey that the root's events carry.
        steps: In no order yet.
        payment_ids: Payments whose funds are in a settlement or withdrawal.
    """

    root_id: str = ""
    correlation_id: str = ""
    steps: Sequence[pb.Step] = ()
    payment_ids: Sequence[str] = ()


def in_order(steps: Iterable[pb.Step]) -> list[pb.Step]:
    """Sort by time; of what happened at one moment, the whole begins before its parts and ends after them."""
    return sorted(steps, key=lambda step: (moment(step.occur_time), _within_a_moment(step), step.resource_id))


def _within_a_moment(step: pb.Step) -> tuple[bool, int]:
    if (step.kind, step.what) == _ENDED_BY_THE_LEDGER:
        return True, _DEPTHS[pb.STEP_KIND_TRANSACTION] + 1
    begins = step.what in {CREATED, OPENED, QUEUED} or step.what.endswith("PENDING")
    return not begins, _DEPTHS[step.kind] if begins else -_DEPTHS[step.kind]
