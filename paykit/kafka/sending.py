"""Sends rows of one topic to Kafka, in a thread and with a producer of its own: no topic waits for another.

Rows come in chunks, and a chunk is settled before the next begins. So a row that failed is never overtaken by one of
its key: within a chunk the producer sends nothing of a partition past what failed there, and dies with it.

That holds where the partition knows the producer. Of one that it does not know, it takes a batch with any sequence
number, so what is under way behind a refused first batch would be written. Until every partition has taken something
of a producer, the first row of each key is acknowledged before the rest is sent.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import confluent_kafka
import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from paykit.base import tracing
from paykit.kafka.client import Producer
from paykit.kafka.cloud_events import CloudEventHeaders
from paykit.kafka.refusals import Refusal, refusal

SETTLE_TIMEOUT_S = 2.0
"""How long a failed producer waits for the answers to what it has sent."""
RESTART_PAUSE_S = 1.0
"""After a chunk that failed and of which nothing was acknowledged or refused."""
PARTITIONS_TIMEOUT_S = 2.0
PRODUCER_AGE_MAX_S = 6 * 3600.0
"""Brokers forget a producer of which a partition has got nothing for a day (producer.id.expiration.ms)."""

RELAYED = Counter("paystream_outbox_relayed_total", "Outbox rows acknowledged by Kafka.", ["service"])

_log = structlog.get_logger()
_Errors = dict[int, confluent_kafka.KafkaError]


class Sender:
    """Sends one chunk of rows at a time."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=client_id)
        self._gate = threading.Lock()
        self._ending = threading.Event()
        self._producer: Producer | None = None
        self._partitions = _KnownPartitions()
        self._headers = CloudEventHeaders()
        self._acknowledged: dict[int, None] = {}
        self._taken = 0
        self.first_id = -1
        """Of the chunk begun last."""
        self._rows = 0
        self.result: asyncio.Future[list[Refusal]] | None = None
        """Of the chunk begun last, until it is taken note of by `finish`."""

    def start(self, rows: Sequence[Any], *, singly: bool = False) -> "asyncio.Future[list[Refusal]]":
        """Begin to send a chunk; the result is what Kafka refused of it.

        Rows that are neither refused nor acknowledged are to be sent again.

        Args:
            rows: Of one topic, in the order of ids.
            singly: Wait for each row before the next is sent, for any of them may be refused.
        """
        self._acknowledged, self._taken, self.first_id = {}, 0, rows[0]["id"]
        self._rows = len(rows)
        self.result = asyncio.get_running_loop().run_in_executor(self._thread, self._send, rows, singly)
        return self.result

    def take_acknowledged(self) -> list[int]:
        """Return the ids that were acknowledged since the last time, also while the chunk is being sent."""
        fresh = list(self._acknowledged)[self._taken :]
        self._taken += len(fresh)
        return fresh

    def finish(self) -> tuple[list[int], list[Refusal]]:
        """Return the ids acknowledged since the last time, and the refusals, of a chunk that is settled."""
        if self.result is None:
            return [], []
        refusals, self.result = self.result.result(), None
        return self.take_acknowledged(), refusals

    @property
    def all_acknowledged(self) -> bool:
        """Whether every row of the chunk begun last was."""
        return len(self._acknowledged) == self._rows

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

    def _send(self, rows: Sequence[Any], singly: bool) -> list[Refusal]:  # noqa: FBT001 - by the executor
        suspects: Container[int] = {row["id"] for row in rows}
        if not singly:
            errors = self._attempt(rows)
            if not errors:
                return []
            found = {row["id"]: refusal(row, errors[row["id"]]) for row in rows if row["id"] in errors}
            whole = next((each for each in found.values() if each is not None and each.whole_topic), None)
            if whole is not None:
                return [whole]
            suspects = {row_id for row_id, each in found.items() if each is not None}
            rows = [row for row in rows if row["id"] not in self._acknowledged]
        refusals = self._isolate(rows, suspects)
        if not refusals and not self._acknowledged:
            self._ending.wait(RESTART_PAUSE_S)
        return refusals

    def _isolate(self, rows: Sequence[Any], suspects: Container[int]) -> list[Refusal]:
        """Send suspects one by one: an error of a batch tells nothing of which of its rows is to blame.

        A key whose earlier row is not settled waits.
        """
        refusals: list[Refusal] = []
        waiting: set[str] = set()
        for row in rows:
            if row["key"] in waiting or self._ending.is_set():
                continue
            errors = self._attempt([row]) if row["id"] in suspects else None
            if errors == {}:
                continue
            waiting.add(row["key"])
            refused = refusal(row, errors[row["id"]]) if errors else None
            if refused is not None:
                refusals.append(refused)
                if refused.whole_topic:
                    break
        return refusals

    def _attempt(self, rows: Sequence[Any]) -> _Errors:
        """Send rows and wait until each is acknowledged or one failed; the errors by id."""
        producer = self._opened()
        if producer is None:
            return {}
        errors: _Errors = {}
        topic = rows[0]["topic"]
        traceparents = (row["traceparent"] for row in rows)
        with tracing.shared(f"send {topic}", traceparents, kind=SpanKind.PRODUCER, messaging__system="kafka"):
            for part in [rows] if self._partitions.complete else _firsts_and_rest(rows):
                errors = self._exchange(producer, part)
                if errors or not all(row["id"] in self._acknowledged for row in part):
                    break
            else:
                self._partitions.learn(producer, topic)
        if errors:
            _log.warning("kafka_refused", topic=topic, error=str(next(iter(errors.values()))))
            self._abandon(producer)
        return errors

    def _exchange(self, producer: Producer, rows: Sequence[Any]) -> _Errors:
        errors: _Errors = {}
        report = partial(_report, errors, self._acknowledged, self._partitions.witnesses)
        for row in rows:
            topic, key, value = row["topic"], row["key"], row["value"]
            try:
                producer.produce(
                    topic=topic, key=key, value=value, headers=self._headers.of(row), report=partial(report, row["id"])
                )
            except confluent_kafka.KafkaException as refused:
                errors[row["id"]] = refused.args[0]
            if errors:
                break
        while not errors and not self._ending.is_set() and producer.flush():
            pass
        return errors

    def _opened(self) -> Producer | None:
        with self._gate:
            if self._ending.is_set():
                return None
            if self._producer is None or self._partitions.age_s > PRODUCER_AGE_MAX_S:
                self._producer = Producer(self._bootstrap, client_id=self._client_id)
                self._partitions = _KnownPartitions()
            return self._producer

    def _abandon(self, producer: Producer) -> None:
        """Give a producer up that a message failed of; what it has sent to other partitions may yet be acknowledged."""
        producer.settle(SETTLE_TIMEOUT_S)
        with self._gate:
            producer.discard()
            self._producer = None
        producer.flush()  # Makes the reports of what was dropped.


class _KnownPartitions:
    """Which partitions have taken something of a producer.

    Attributes:
        complete: Whether all of its topic have.
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

    def learn(self, producer: Producer, topic: str) -> None:
        """Read the witnesses; blocks the thread until all partitions are known."""
        if self.witnesses is None:
            return
        self._known.update(message.partition() for message in self.witnesses.values())
        self._count = self._count or producer.partitions(topic, timeout_s=PARTITIONS_TIMEOUT_S)
        self.complete = len(self._known) == self._count
        self.witnesses = None if self.complete else {}


def _firsts_and_rest(rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Part the first row of each key from the others."""
    firsts: dict[str, Any] = {}
    rest = [row for row in rows if firsts.setdefault(row["key"], row) is not row]
    return [list(firsts.values()), rest] if rest else [rows]


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
