"""The partitions of one topic, as a producer's rows are sent to them.

The partition is computed here, as the producer would (murmur2_random: as Java's does), with the number of partitions
that the topic had when the producer was made. So where a topic is made wider meanwhile, no key is sent elsewhere than
what is still on its way of it: keys move with the next producer, which begins with nothing on its way.
"""

import time
from collections.abc import Container
from typing import Any

import confluent_kafka

from paykit.kafka.client import Producer

PARTITIONS_TIMEOUT_S = 2.0


class Lanes:
    """What one producer knows of its topic.

    Attributes:
        complete: Whether each partition has taken something of the producer, so that it knows it.
        witnesses: Messages that were acknowledged, until all have; None then.
    """

    def __init__(self) -> None:
        self._opened_s = time.monotonic()
        self._known: set[int] = set()
        self._count = 0
        self.complete = False
        self.witnesses: dict[int, Any] | None = {}

    @property
    def age_s(self) -> float:
        """How long ago the producer was made."""
        return time.monotonic() - self._opened_s

    def count(self, producer: Producer, topic: str) -> None:
        """Ask how many partitions there are, unless that is known; blocks the thread."""
        self._count = self._count or producer.partitions(topic, timeout_s=PARTITIONS_TIMEOUT_S)

    def of(self, key: str) -> int | None:
        """Return the partition of a key; None where the topic, or how many it has, is not known."""
        return confluent_kafka.murmur2(key.encode(), self._count) if self._count else None

    def all_in(self, waiting: Container[int | None]) -> bool:
        """Whether every partition is among those that wait."""
        return self._count > 0 and all(partition in waiting for partition in range(self._count))

    def learn(self) -> None:
        """Read the witnesses."""
        if self.witnesses is None:
            return
        self._known.update(message.partition() for message in self.witnesses.values())
        self.complete = 0 < self._count <= len(self._known)
        self.witnesses = None if self.complete else {}


def waits(lane: int | None, waiting: Container[int | None]) -> bool:
    """Whether a lane, or the whole topic, is among those that wait."""
    return lane in waiting or None in waiting
