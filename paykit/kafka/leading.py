"""What the relay does while it leads: reads the outbox, has each topic's sender send, and deletes what is acknowledged.

It goes on beside a topic whose sender is still at work. What Kafka refuses is left to `retrying`, and so is all that
comes behind it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from paykit.kafka.read_position import ReadPosition
from paykit.kafka.retrying import Retrying
from paykit.kafka.sending import RELAYED, Sender
from paykit.postgres import outbox

BATCH_ROWS_MAX = 1000
"""Rows read together, and so the most of a topic that are on their way."""
BESIDE_S = 0.1
"""How long a round waits for its senders before the next goes on beside them."""
STALL_WARNING_S = 5.0
"""A topic not acknowledged for this long is told of in the log, again and again."""

_log = structlog.get_logger()


class Lead:
    """One lead, on the connection that it lives and dies with.

    Attributes:
        progress: Set when a sender has settled its rows.
    """

    def __init__(self, connection: Any, *, schema: str, bootstrap: str) -> None:
        self._connection = connection
        self._schema = schema
        self._make_sender: Callable[[], Sender] = lambda: Sender(bootstrap, client_id=f"paystream-{schema}-relay")
        self._senders: dict[str, Sender] = {}
        self._working: dict[str, float] = {}  # When each topic's sender began.
        self._position = ReadPosition()
        self._read_to = -1
        """Up to here all rows were read: they are on their way or settled."""
        self._warning_due = 0.0
        self.progress = asyncio.Event()
        self._retrying = Retrying(
            connection,
            schema=schema,
            make_sender=self._make_sender,
            progress=self.progress,
            is_sending=self._working.__contains__,
        )

    @property
    def working(self) -> bool:
        """Whether rows of the outbox are on their way."""
        return bool(self._working)

    @property
    def awaiting(self) -> bool:
        """Whether any rows are on their way, those that are tried again among them."""
        return self.working or self._retrying.working

    async def prepare(self) -> None:
        """Take over what an earlier lead held back."""
        await self._retrying.prepare()

    async def round(self) -> bool:
        """Read and send what can be sent, and settle what was; returns whether there was anything.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: The connection is lost, and the lead with it.
        """
        retried = await self._retrying.round()
        rows = await self._read()
        await self._send(await self._retrying.keep_back(rows))
        settled = await self._settle()
        self._warn()
        return bool(rows or settled or retried)

    async def measure(self, rows_max: int) -> Any:
        """Measure what is held back; returns how many rows wait, counted to a bound, and since when the oldest does."""
        await self._retrying.measure()
        settled = self._position.settled(now_s=time.monotonic())
        return await self._connection.fetchrow(outbox.SELECT_DEPTH, rows_max, settled)

    async def close(self) -> None:
        """Drop what is not acknowledged: a late copy must not overtake the next leader."""
        await asyncio.gather(*(sender.close() for sender in self._senders.values()), self._retrying.close())

    async def _read(self) -> Sequence[Any]:
        topics, now_s = frozenset(self._working), time.monotonic()
        whole = self._position.whole_is_due(now_s=now_s)
        if topics:
            rows = await self._read_beside(topics, whole=whole, now_s=now_s)
        else:
            self._position.passed(self._read_to, topics, now_s=now_s)  # All that was read is settled.
            after = -1 if whole else self._position.after(now_s=now_s)
            rows = await self._connection.fetch(outbox.SELECT_BATCH, after, BATCH_ROWS_MAX)
            self._read_to = max([self._read_to, *(row["id"] for row in rows[-1:])])
        if whole:
            ended_s = time.monotonic()
            self._position.looked_at_whole(now_s=ended_s, took_s=ended_s - now_s)
        return rows

    async def _read_beside(self, topics: frozenset[str], *, whole: bool, now_s: float) -> Sequence[Any]:
        last_id: int = await self._connection.fetchval(outbox.SELECT_LAST_ID)
        after = -1 if whole else self._position.after(now_s=now_s)
        rows: Sequence[Any] = await self._connection.fetch(outbox.SELECT_BATCH_BESIDE, after, [*topics], BATCH_ROWS_MAX)
        self._position.passed(rows[-1]["id"] if len(rows) == BATCH_ROWS_MAX else last_id, topics, now_s=now_s)
        return rows

    async def _send(self, rows: Iterable[Any]) -> None:
        chunks: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            chunks[row["topic"]].append(row)
        started = []
        for topic, chunk in chunks.items():
            sender = self._senders.get(topic) or self._senders.setdefault(topic, self._make_sender())
            self._working[topic] = time.monotonic()
            result = sender.start(chunk)
            result.add_done_callback(lambda _: self.progress.set())
            started.append(result)
        if started:
            await asyncio.wait(started, timeout=BESIDE_S)

    async def _settle(self) -> int:
        """Delete what was acknowledged, also of chunks that are still on their way."""
        acknowledged, refusals = [], []
        for topic in list(self._working):
            sender = self._senders[topic]
            if sender.result is not None and sender.result.done():
                fresh, refused = sender.finish()
                del self._working[topic]
                self._position.freed(topic)
                if not sender.all_acknowledged:
                    self._position.left(sender.first_id)
                    self._read_to = min(self._read_to, sender.first_id - 1)
                refusals += refused
            else:
                fresh = sender.take_acknowledged()
            acknowledged += fresh
        if acknowledged:
            await self._connection.execute(outbox.DELETE_BATCH, acknowledged)
            RELAYED.labels(self._schema).inc(len(acknowledged))
        for refusal in refusals:
            await self._retrying.refuse(refusal)
        return len(acknowledged) + len(refusals)

    def _warn(self) -> None:
        now_s = time.monotonic()
        waited_s = now_s - min(self._working.values(), default=now_s)
        if waited_s > STALL_WARNING_S and now_s > self._warning_due:
            self._warning_due = now_s + STALL_WARNING_S
            _log.warning(
                "kafka_not_acknowledging",
                service=self._schema,
                topics=sorted(self._working),
                waited_s=round(waited_s, 1),
            )
