"""Batches as they are made of what a client has queued, without a broker."""

from collections import Counter
from typing import Any, cast

import pytest

from paykit.consume.fetching import TAKEN_AT_ONCE_MAX, Fetcher, Owner
from paykit.consume.store.offsets import Position

TOPIC = "t.events"
FIRST = 5
"""The stored offset of each partition."""


class Message:
    """One of librdkafka's."""

    def __init__(self, partition: int, offset: int) -> None:
        self._place = partition, offset

    def error(self) -> None:
        return None

    def partition(self) -> int:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]

    def key(self) -> bytes:
        return b"pay_%d" % self._place[1]

    def value(self) -> bytes:
        return b"%d:%d" % self._place

    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_type", b"Something")]

    def leader_epoch(self) -> int:
        return 3

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_000 * self._place[1]


class Queue:
    """A client that has messages of several partitions in runs."""

    def __init__(self, count: int, *, run: int, partitions: int) -> None:
        self._left: list[Message] = []
        offsets = Counter[int](dict.fromkeys(range(partitions), FIRST))
        while len(self._left) < count:
            partition = len(self._left) // run % partitions
            self._left.append(Message(partition, offsets[partition]))
            offsets[partition] += 1
        self.asked: list[int] = []

    def poll(self, _timeout_s: float) -> Message | None:
        return self._left.pop(0) if self._left else None

    def consume(self, count: int, *, timeout: float) -> list[Message]:
        assert timeout == 0
        self.asked.append(count)
        taken, self._left = self._left[:count], self._left[count:]
        return taken


def fetcher(queue: Queue, *, records_max: int, partitions: int) -> Fetcher:
    made = Fetcher(
        service="test",
        bootstrap="",
        group="test",
        topic=TOPIC,
        owner=cast("Owner", None),
        records_max=records_max,
    )
    made._consumer = queue
    made._note({(TOPIC, number): Position(FIRST, "cluster", "id") for number in range(partitions)})
    return made


@pytest.mark.parametrize("records_max", [1, 2, TAKEN_AT_ONCE_MAX, 2 * TAKEN_AT_ONCE_MAX + 7, 10_000])
@pytest.mark.parametrize(("count", "run"), [(0, 1), (1, 1), (2_500, 7), (2_500, 900), (2_500, 10_000)])
def test_a_batch_has_what_is_queued_up_to_its_bound_in_the_order_of_partitions(
    records_max: int, count: int, run: int
) -> None:
    queue = Queue(count, run=run, partitions=3)
    fetching = fetcher(queue, records_max=records_max, partitions=3)
    seen: dict[int, list[Any]] = {0: [], 1: [], 2: []}
    while batch := fetching._fetch():
        sizes = [len(piece.records) for piece in batch.values()]
        assert sum(sizes) <= records_max
        assert sum(sizes) == records_max or not queue._left
        for (_, number), piece in batch.items():
            assert (piece.start, piece.topic_id) == (FIRST + len(seen[number]), "id")
            seen[number] += piece.records
            assert (piece.end, piece.leader_epoch) == (FIRST + len(seen[number]), 3)
            assert piece.written_at == piece.end - 1
    for number, records in seen.items():
        offsets = [*range(FIRST, FIRST + len(records))]
        assert [(each.partition, each.offset, each.value) for each in records] == [
            (number, offset, b"%d:%d" % (number, offset)) for offset in offsets
        ]
    assert sum(map(len, seen.values())) == count
    assert max(queue.asked, default=0) <= TAKEN_AT_ONCE_MAX


def test_messages_of_a_partition_that_was_given_away_are_left_out() -> None:
    fetching = fetcher(Queue(1_200, run=100, partitions=3), records_max=10_000, partitions=2)
    batch = fetching._fetch()
    assert {partition: len(piece.records) for partition, piece in batch.items()} == {(TOPIC, 0): 400, (TOPIC, 1): 400}
