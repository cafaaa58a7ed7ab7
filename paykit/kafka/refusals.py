"""What Kafka's errors say of a row: that its topic cannot be written, that this row cannot be, or nothing for good."""

from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError

# What librdkafka says by itself has a leading underscore, and is public by its documentation.
_TOPIC_CODES = frozenset(
    {
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    }
)
"""The topic is missing, may not be written, or has a name that none can have."""
_UNDECIDED_CODES = frozenset(
    {
        KafkaError._PURGE_QUEUE,  # noqa: SLF001
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
        KafkaError._GAPLESS_GUARANTEE,  # noqa: SLF001
        KafkaError._FATAL,  # noqa: SLF001
        KafkaError._STATE,  # noqa: SLF001
        KafkaError._INCONSISTENT,  # noqa: SLF001
        KafkaError._INVALID_DIFFERENT_RECORD,  # noqa: SLF001
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.UNKNOWN_PRODUCER_ID,
    }
)
"""The message failed with its producer, or for a neighbour's sake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that Kafka does not take.

    Attributes:
        row: Of the outbox.
        whole_topic: Whether Kafka takes no row of its topic.
        reason: The error's name, such as MSG_SIZE_TOO_LARGE.
        error: What Kafka says.
    """

    row: Any
    whole_topic: bool
    reason: str
    error: str


def refusal(row: Any, error: KafkaError) -> Refusal | None:
    """Return what an error refuses; None where the row is to be tried again as if nothing had been."""
    if error.code() in _UNDECIDED_CODES or error.retriable() or error.fatal():
        return None
    return Refusal(
        row=row,
        whole_topic=error.code() in _TOPIC_CODES,
        reason=error.name().removeprefix("_"),
        error=error.str(),
    )
