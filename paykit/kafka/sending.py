"""Sends rows of one topic to Kafka, in a thread and with a producer of its own: no topic waits for another.

Rows come in chunks, and of a partition no chunk is sent before the last one is settled. So a row that failed is never
overtaken by one of its key: within a chunk the producer sends nothing of a partition past what failed there, and dies
with it. A partition that takes nothing for a while, as without a leader, keeps its rows in the producer and lets the
chunk end without them; what comes next is of other partitions.

That holds where the partition knows the producer. Of one that it does not know, it takes a batch with any sequence
number, so what is under way behind a refused first batch would be written. Until every partition has taken something
of a producer, the first row of each key is acknowledged before the rest is sent.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import confluent_kafka
import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from paykit.base import tracing
from paykit.kafka.client import FLUSH_SLICE_S, Producer
from paykit.kafka.cloud_events import CloudEventHeaders
from paykit.kafka.lanes import Lanes, waits
from paykit.kafka.refusals import Refusal, refusal

SETTLE_TIMEOUT_S = 2.0
"""How long a failed producer waits for the answers to what it has sent."""
RESTART_PAUSE_S = 1.0
"""After a chunk that failed and of which nothing was acknowledged or refused."""
STALL_S = 1.0
"""After so long without an acknowledgement, a chunk ends without the partitions that have taken nothing of it."""
STALLED_LOOK_S = 0.05
"""How long answers are waited for while nothing but stalled rows is on its way."""
STALLED_ROWS_MAX = 20_000
STALLED_BYTES_MAX = 32 * 1024 * 1024
"""Rows, or bytes of them, that a topic's stalled partitions may hold; from there on all of the topic waits."""
PRODUCER_AGE_MAX_S = 6 * 3600.0
"""Brokers forget a producer of which a partition has got nothing for a day (producer.id.expiration.ms)."""

RELAYED = Counter("paystream_outbox_relayed_total", "Outbox rows acknowledged by Kafka.", ["service"])

_log = structlog.get_logger()
_Errors = dict[int, confluent_kafka.KafkaError]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentChunk:
    """What became of a chunk.

    Attributes:
        acknowledged: Ids, those of earlier chunks among them.
        refusals: What Kafka does not take.
        left: Ids of rows that are to be sent again, or were refused.
    """

    acknowledged: Sequence[int]
    refusals: Sequence[Refusal]
    left: Sequence[int]


@dataclass(slots=True)
class _Chunk:
    """Rows by id, and what is known of them: the lanes that they were sent to, acknowledgements, errors."""

    rows: Mapping[int, Any]
    lanes: dict[int, int | None] = field(default_factory=dict)
    acknowledged: dict[int, None] = field(default_factory=dict)
    errors: _Errors = field(default_factory=dict)
    taken: int = 0

    def unacknowledged(self) -> list[Any]:
        return [row for row_id, row in self.rows.items() if row_id not in self.acknowledged]

    def keep_stalled(self) -> bool:
        """Forget the rows that are acknowledged or left; whether there are others."""
        self.rows = {row["id"]: row for row in self.unacknowledged() if row["id"] in self.lanes}
        self.acknowledged.clear()  # All are taken; the reports that are still to come go there.
        self.taken = 0
        return bool(self.rows)

    def take(self) -> list[int]:
        fresh = list(self.acknowledged)[self.taken :]
        self.taken += len(fresh)
        return fresh


class Sender:
    """Sends one chunk of rows at a time, beside what has stalled."""

    def __init__(self, bootstrap: str, *, client_id: str, stall_s: float = STALL_S, keeps_stalled: bool = True) -> None:
        """Begin without a producer.

        Args:
            bootstrap: Brokers, `host:port[,host:port]`.
            client_id: Of the producer.
            stall_s: After how long without an acknowledgement a chunk ends.
            keeps_stalled: Whether the producer goes on trying what is not acknowledged by then, or is given up.
        """
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._stall_s = stall_s
        self._keeps_stalled = keeps_stalled
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=client_id)
        self._gate = threading.Lock()
        self._ending = threading.Event()
        self._producer: Producer | None = None
        self._partitions = Lanes()
        self._headers = CloudEventHeaders()
        self._chunk = _Chunk({})
        self._stalled: list[_Chunk] = []
        self.result: asyncio.Future[list[Refusal]] | None = None
        """Of the chunk begun last, until it is taken note of by `finish`."""

    def start(self, rows: Sequence[Any], *, singly: bool = False) -> "asyncio.Future[list[Refusal]]":
        """Begin to send a chunk; the result is what Kafka refuses of it, or of what has stalled.

        Args:
            rows: Of one topic, in the order of ids, none in a lane that has stalled; without any, answers to what has
                stalled are waited for.
            singly: Wait for each row before the next is sent, for any of them may be refused.
        """
        self._chunk = _Chunk({row["id"]: row for row in rows})
        self.result = asyncio.get_running_loop().run_in_executor(self._thread, self._send, singly)
        return self.result

    def take_acknowledged(self) -> list[int]:
        """Return the ids that were acknowledged since the last time, also while the chunk is being sent."""
        return [row_id for chunk in (*self._stalled, self._chunk) for row_id in chunk.take()]

    def finish(self) -> SentChunk:
        """Return what became of a chunk that is done; what has stalled stays with the producer."""
        if self.result is None:
            return SentChunk(acknowledged=[], refusals=[], left=[])
        refusals, self.result = self.result.result(), None
        acknowledged = self.take_acknowledged()
        chunks = [chunk for chunk in self._chunks if len(chunk.acknowledged) < len(chunk.rows)]
        left = [row["id"] for chunk in chunks for row in chunk.unacknowledged() if row["id"] not in chunk.lanes]
        self._stalled = [chunk for chunk in chunks if chunk.keep_stalled()]
        self._chunk = _Chunk({})
        return SentChunk(acknowledged=acknowledged, refusals=refusals, left=left)

    @property
    def stalled(self) -> Mapping[int | None, int]:
        """The first row of each partition that has stalled; of None where it is not known which one that is.

        May be asked for while a chunk is being sent: what was given up meanwhile has no partition any more.
        """
        found: dict[int | None, int] = {}
        for chunk in reversed(self._stalled):
            lanes = chunk.lanes  # The thread puts others in their place, where it gives the producer up.
            found |= {lanes[row_id]: row_id for row_id in reversed(chunk.rows) if row_id in lanes}
        return found

    @property
    def full(self) -> bool:
        """Whether no more may be sent beside what has stalled, for that is much, or every partition has."""
        if self._partitions.all_in(self.stalled):
            return True
        rows = [row for chunk in self._stalled for row in chunk.rows.values()]
        return len(rows) > STALLED_ROWS_MAX or sum(len(row["value"] or b"") for row in rows) > STALLED_BYTES_MAX

    def lane(self, key: str) -> int | None:
        """Return the partition that a key is sent to; None where that is not known."""
        return self._partitions.of(key)

    @property
    def first_id(self) -> int:
        """Of the rows that are on their way; there are some."""
        return min(row_id for chunk in self._chunks for row_id in chunk.rows)

    async def close(self) -> None:
        """Drop what is not acknowledged; nothing of it is sent any more."""
        with self._gate:
            self._ending.set()
            if self._producer is not None:
                self._producer.discard()  # Ends the thread's wait.
        if self.result is not None:
            with contextlib.suppress(Exception):
                await self.result
        self._thread.shutdown(wait=False)

    @property
    def _chunks(self) -> list[_Chunk]:
        return [self._chunk, *self._stalled]

    def _send(self, singly: bool) -> list[Refusal]:  # noqa: FBT001 - by the executor
        rows: Sequence[Any] = list(self._chunk.rows.values())
        suspects: Container[int] = self._chunk.rows
        if not singly:
            errors = self._attempt(rows)
            if not errors:
                return []
            # What had stalled was given up with the producer, and may be what was refused.
            rows = sorted((row for chunk in self._chunks for row in chunk.unacknowledged()), key=lambda row: row["id"])
            found = {row["id"]: refusal(row, errors[row["id"]]) for row in rows if row["id"] in errors}
            whole = next((each for each in found.values() if each is not None and each.whole_topic), None)
            if whole is not None:
                return [whole]
            suspects = {row_id for row_id, each in found.items() if each is not None}
        refusals = self._isolate(rows, suspects)
        if not refusals and not self._chunk.acknowledged:
            self._ending.wait(RESTART_PAUSE_S)
        return refusals

    def _isolate(self, rows: Sequence[Any], suspects: Container[int]) -> list[Refusal]:
        """Send suspects one by one: an error of a batch tells nothing of which of its rows is to blame.

        A key whose earlier row is not settled waits, and so does a partition that has stalled.
        """
        refusals: list[Refusal] = []
        waiting: set[str] = set()
        stalled: set[int | None] = set()
        for row in rows:
            if row["key"] in waiting or self._ending.is_set() or waits(self.lane(row["key"]), stalled):
                continue
            errors = self._attempt([row]) if row["id"] in suspects else None
            chunk = self._chunk_of(row)
            if row["id"] in chunk.acknowledged:
                continue
            waiting.add(row["key"])
            if errors == {}:
                stalled.add(self.lane(row["key"]))
            refused = refusal(row, errors[row["id"]]) if errors and row["id"] in errors else None
            if refused is not None:
                refusals.append(refused)
                if refused.whole_topic:
                    break
        return refusals

    def _attempt(self, rows: Sequence[Any]) -> _Errors:
        """Send rows and wait until each is acknowledged, one failed, or nothing more is; the errors by id.

        After an error the producer is given up, and what had stalled with it.
        """
        topic = (rows or list(self._stalled[0].rows.values()))[0]["topic"]
        producer = self._opened(topic)
        if producer is None:
            return {}
        traceparents = (row["traceparent"] for row in rows)
        with tracing.shared(f"send {topic}", traceparents, kind=SpanKind.PRODUCER, messaging__system="kafka"):
            self._exchange_all(producer, rows)
        if not any(chunk.errors for chunk in self._chunks):
            self._partitions.learn()
            if self._keeps_stalled or all(row["id"] in self._chunk_of(row).acknowledged for row in rows):
                return {}
            self._abandon(producer)
            return {}
        errors = self._abandon(producer)
        _log.warning("kafka_refused", topic=topic, error=str(next(iter(errors.values()))))
        return errors

    def _exchange_all(self, producer: Producer, rows: Sequence[Any]) -> None:
        if not rows:
            producer.serve(STALLED_LOOK_S)
        elif self._partitions.complete:
            self._exchange(producer, rows)
        else:
            firsts, rest = _firsts_and_rest(rows)
            self._exchange(producer, firsts)
            # Unless all were acknowledged, an error ends it, or what has taken its first rows goes on.
            waiting = {self.lane(row["key"]) for row in firsts if row["id"] not in self._chunk_of(row).acknowledged}
            rest = [row for row in rest if not waits(self.lane(row["key"]), waiting)]
            if rest and not any(chunk.errors for chunk in self._chunks):
                self._exchange(producer, rest)

    def _exchange(self, producer: Producer, rows: Sequence[Any]) -> None:
        alone = not len(producer)
        # Looked up once: there are thousands of rows a second.
        chunk_of, lane_of, headers_of = self._chunk_of, self.lane, self._headers.of
        witnesses = self._partitions.witnesses
        for row in rows:
            chunk, row_id, key = chunk_of(row), row["id"], row["key"]
            chunk.lanes[row_id] = lane = lane_of(key)
            try:
                producer.produce(
                    topic=row["topic"],
                    key=key,
                    value=row["value"],
                    headers=headers_of(row),
                    partition=lane,
                    report=partial(_report, chunk.errors, chunk.acknowledged, witnesses, row_id),
                )
            except confluent_kafka.KafkaException as refused:
                chunk.errors[row_id] = refused.args[0]
            if chunk.errors:
                return
        self._await(producer, rows, alone=alone)

    def _await(self, producer: Producer, rows: Sequence[Any], *, alone: bool) -> None:
        """Wait for the answers to rows; beside others, whatever is made of these, if they are not alone."""
        missing, since_s = len(rows), time.monotonic()
        while not self._ending.is_set():
            if alone and not producer.flush():
                return
            if not alone:
                producer.serve(FLUSH_SLICE_S)
            still_missing = sum(row["id"] not in self._chunk_of(row).acknowledged for row in rows)
            if not still_missing or any(chunk.errors for chunk in self._chunks):
                return
            if still_missing < missing:
                missing, since_s = still_missing, time.monotonic()
            elif time.monotonic() - since_s > self._stall_s:
                return

    def _chunk_of(self, row: Any) -> _Chunk:
        return next(chunk for chunk in self._chunks if row["id"] in chunk.rows) if self._stalled else self._chunk

    def _opened(self, topic: str) -> Producer | None:
        with self._gate:
            if self._ending.is_set():
                return None
            if self._producer is None or (self._partitions.age_s > PRODUCER_AGE_MAX_S and not len(self._producer)):
                self._producer = Producer(self._bootstrap, client_id=self._client_id)
                self._partitions = Lanes()
            producer = self._producer
        if not self._stalled:  # What is on its way keeps the partition that it has.
            self._partitions.count(producer, topic)
        return producer

    def _abandon(self, producer: Producer) -> _Errors:
        """Give a producer up that a message failed of; what it has sent to other partitions may yet be acknowledged."""
        producer.settle(SETTLE_TIMEOUT_S)
        with self._gate:
            producer.discard()
            self._producer = None
        producer.flush()  # Makes the reports of what was dropped.
        errors: _Errors = {}
        for chunk in self._chunks:
            errors |= chunk.errors
            chunk.errors, chunk.lanes = {}, {}
        return errors


def _firsts_and_rest(rows: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Part the first row of each key from the others."""
    firsts: dict[str, Any] = {}
    rest = [row for row in rows if firsts.setdefault(row["key"], row) is not row]
    return list(firsts.values()), rest


def _report(  # noqa: PLR0917 - by the driver, in the middle of its work
    errors: _Errors,
    acknowledged: dict[int, None],
    witnesses: dict[int, Any] | None,
    row_id: int,
    error: confluent_kafka.KafkaError | None,
    message: Any,
) -> None:
    if error is not None:
        errors[row_id] = error
        return
    acknowledged[row_id] = None
    if witnesses is not None:
        witnesses[row_id] = message
