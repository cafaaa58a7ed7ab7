"""A topic's records as they arrive, decoded by the registry alone: for people, not for services."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition

from paykit.base.errors import UnavailableError
from paykit.events.codec import Codec, SchemaNotFoundError, UndecodableError
from paykit.kafka.client import LOGGER, common_options

FETCH_MAX = 500
FETCH_WAIT_S = 0.2
METADATA_TIMEOUT_S = 10.0


class TopicNotFoundError(Exception):
    """The cluster has no such topic."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One record of a topic.

    Attributes:
        written_at: Kafka's own time of the record.
        record: Full name of the Avro record; None when it cannot be decoded.
        value: The fields by name; None when it cannot be decoded.
        trouble: Why it cannot be decoded.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    written_at: datetime
    schema_id: int | None
    record: str | None
    value: dict[str, Any] | None
    trouble: str | None = None


async def tail(
    bootstrap: str, codec: Codec, topic: str, *, from_beginning: bool = False, follow: bool = True
) -> AsyncGenerator[Line, None]:
    """Return the records of all partitions as they arrive; order holds per key only.

    Args:
        bootstrap: `host:port` of one or more brokers.
        codec: Learns the schemas that it meets.
        topic: With the prefix, if there is one.
        from_beginning: Begin with the oldest record kept instead of the next one written.
        follow: Wait for further records; otherwise end with what was there at the start.

    Raises:
        TopicNotFoundError: There is no such topic.
        UnavailableError: Kafka, or the registry for a schema not yet seen, cannot be reached.
    """
    consumer = confluent_kafka.Consumer(
        common_options(bootstrap, "paystream-tail")
        | {"group.id": f"paystream-tail-{uuid.uuid4()}", "enable.auto.commit": False, "enable.partition.eof": True},
        logger=LOGGER,
    )
    try:
        open_partitions = await asyncio.to_thread(_assign, consumer, topic, from_beginning)
        while follow or open_partitions:
            for message in await asyncio.to_thread(consumer.consume, FETCH_MAX, FETCH_WAIT_S):
                error = message.error()
                if error is None:
                    yield await _line(codec, message)
                elif error.code() == confluent_kafka.KafkaError._PARTITION_EOF:  # noqa: SLF001 - public code
                    open_partitions.discard(message.partition())
                else:
                    raise UnavailableError(f"Kafka: {error.str()}", part="kafka")
    finally:
        consumer.close()


def _assign(consumer: confluent_kafka.Consumer, topic: str, from_beginning: bool) -> set[int]:  # noqa: FBT001 - private
    try:
        described = consumer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka cannot be reached: {error.args[0].str()}", part="kafka") from error
    if described.error is not None:
        raise TopicNotFoundError(f"{topic}: {described.error.str()}")
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    consumer.assign([TopicPartition(topic, partition, start) for partition in described.partitions])
    return set(described.partitions)


async def _line(codec: Codec, message: confluent_kafka.Message) -> Line:
    schema_id, record, value, trouble = None, None, None, None
    data = message.value() or b""
    try:
        schema_id = codec.peek(data)
        if not codec.knows(schema_id):
            await codec.learn(schema_id)
        record = codec.record_name(schema_id).record
        value = codec.decode_as_written(data)
    except (UndecodableError, SchemaNotFoundError) as error:
        trouble = str(error)
    key = message.key()
    return Line(
        topic=str(message.topic()),
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=key.decode(errors="replace") if isinstance(key, bytes) else key,
        written_at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        schema_id=schema_id,
        record=record,
        value=value,
        trouble=trouble,
    )
