"""Topics read again from their first record, up to given ends: no consumer group, nothing committed."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import confluent_kafka

from paykit.base.errors import RebuildFailedError, UnavailableError
from paykit.consume.delivery import BATCH_RECORDS_MAX, Record
from paykit.consume.fetching import FETCH_TIMEOUT_S, record_of
from paykit.consume.store.offsets import TopicPartition
from paykit.kafka import client as kafka

SILENCE_S_MAX = 30.0
"""How long Kafka may give nothing of what it must have."""


class Rereader:
    """Reads partitions from offset 0 or given positions on, further with every call; to be closed."""

    def __init__(self, *, bootstrap: str, service: str, positions: Mapping[TopicPartition, int] | None = None) -> None:
        name = f"paystream-rebuild-{service}"
        self._positions: dict[TopicPartition, int] = dict(positions or {})
        # A fetch whose waiter was cancelled goes on in its thread: the client must not be closed under it.
        self._fetching = threading.Lock()
        self._consumer: Any = confluent_kafka.Consumer(
            kafka.common_options(bootstrap, name)
            | {
                "group.id": name,  # Required, and never joined: partitions are assigned by hand.
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 16 * 1024,
            },
            logger=kafka.LOGGER,
        )

    async def close(self) -> None:
        """Let the connections go."""
        await asyncio.to_thread(self._close)

    async def read(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[list[Record]]:
        """Yield what was not yet read of each partition before its end, in batches, in order per partition.

        Raises:
            RebuildFailedError: A partition's first records are gone, or it ends too early.
            UnavailableError: Kafka cannot be reached, or gives nothing for SILENCE_S_MAX.
        """
        behind = {partition: end for partition, end in ends.items() if self._positions.get(partition, 0) < end}
        if not behind:
            return
        self._consumer.assign([_at(partition, self._positions.get(partition, 0)) for partition in behind])
        heard_at = time.monotonic()
        while any(self._positions.get(partition, 0) < end for partition, end in behind.items()):
            messages = await asyncio.to_thread(self._fetch)
            records = [record for message in messages if (record := self._taken(message, behind))]
            if messages:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > SILENCE_S_MAX:
                raise UnavailableError(f"Kafka gave no record for {SILENCE_S_MAX:.0f} s", part="kafka")
            if records:
                yield records
        self._consumer.unassign()

    def _fetch(self) -> list[Any]:
        with self._fetching:
            first = self._consumer.poll(FETCH_TIMEOUT_S)
            return [] if first is None else [first, *self._consumer.consume(BATCH_RECORDS_MAX - 1, timeout=0)]

    def _close(self) -> None:
        with self._fetching:
            self._consumer.close()

    def _taken(self, message: Any, ends: Mapping[TopicPartition, int]) -> Record | None:
        """The record if it comes before its partition's end, and move on behind it."""
        error = message.error()
        partition = (message.topic(), message.partition())
        if error is not None:
            self._on_error(partition, message, ends)
            return None
        before = message.offset() < ends[partition]
        # Offsets have gaps: a record behind the end says as well that all before the end was given.
        self._positions[partition] = message.offset() + 1 if before else ends[partition]
        return record_of(message) if before else None

    def _on_error(self, partition: TopicPartition, message: Any, ends: Mapping[TopicPartition, int]) -> None:
        error = message.error()
        place = f"{partition[0]}/{partition[1]}"
        if error.code() == confluent_kafka.KafkaError._PARTITION_EOF:  # noqa: SLF001 - a public constant
            if message.offset() < ends[partition]:
                raise RebuildFailedError(f"{place} ends at {message.offset()}, and was read up to {ends[partition]}")
            self._positions[partition] = ends[partition]
        elif error.code() == confluent_kafka.KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - a public constant
            raise RebuildFailedError(f"{place} does not hold its first records any more: {error.str()}")
        elif not error.retriable():
            raise UnavailableError(f"Kafka: {error.str()}", part="kafka")


def _at(partition: TopicPartition, offset: int) -> confluent_kafka.TopicPartition:
    return confluent_kafka.TopicPartition(*partition, offset)
