"""Attempts on the wire: what the messages of every service that calls channels have in common."""

from functools import lru_cache
from typing import Any, Protocol

from google.protobuf.message import Message

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
        """Give the amount that the channel holds it for."""


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """Give the fields that an Attempt message has in every service, but for its state, which is the service's enum."""
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
    told = isinstance(report, Message) and report.HasField("amount")
    return Evidence(
        attempt_id=report.attempt_id,
        source=Source.CALLBACK,
        outcome=outcome,
        channel_reference=report.channel_reference,
        failure_code=code or None if outcome is not EvidenceOutcome.SUCCEEDED else None,
        amount_minor=report.amount.amount_minor if told else None,
        currency_code=report.amount.currency_code if told else None,
    )
