"""Attempts on the wire: what the messages of every service that calls channels have in common."""

from functools import lru_cache
from typing import Protocol, TypedDict

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.channels.attempts import Attempt, Evidence, EvidenceOutcome, Source
from paykit.serve.timestamps import to_timestamp
from paystream.common.v1 import money_pb2

# All attempts recorded in one transaction have one update_time.
_timestamp = lru_cache(maxsize=256)(to_timestamp)


class Report(Protocol):
    """A callback: a request that tells of an attempt."""

    attempt_id: str
    channel_reference: str

    @property
    def amount(self) -> money_pb2.Money:
        """Return the amount that the channel holds it for."""


class AttemptFields(TypedDict):
    """The fields that an Attempt message has in every service, but for its state, which is the service's enum."""

    attempt_id: str
    channel_reference: str
    failure_reason: str
    failure_code: str
    inquiry_count: int
    contradicted: bool
    create_time: Timestamp
    update_time: Timestamp


def attempt_fields(attempt: Attempt) -> AttemptFields:
    """Return what an Attempt message of any service says of an attempt."""
    return {
        "attempt_id": attempt.attempt_id,
        "channel_reference": attempt.channel_reference or "",
        "failure_reason": attempt.failure_reason or "",
        "failure_code": attempt.failure_code or "",
        "inquiry_count": attempt.inquiry_count,
        "contradicted": attempt.contradicted,
        "create_time": _timestamp(attempt.create_time),
        "update_time": _timestamp(attempt.update_time),
    }


def reported(report: Report, outcome: EvidenceOutcome, *, code: str) -> Evidence:
    """Make evidence of a callback; a code stands for nothing where the attempt succeeded."""
    has_amount = isinstance(report, Message) and report.HasField("amount")
    return Evidence(
        attempt_id=report.attempt_id,
        source=Source.CALLBACK,
        outcome=outcome,
        channel_reference=report.channel_reference,
        failure_code=code or None if outcome is not EvidenceOutcome.SUCCEEDED else None,
        amount_minor=report.amount.amount_minor if has_amount else None,
        currency_code=report.amount.currency_code if has_amount else None,
    )
