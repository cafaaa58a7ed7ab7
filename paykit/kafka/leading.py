"""What the relay does while it leads: reads the outbox, has each topic's sender send, and deletes what is acknowledged.

It goes on beside a topic whose sender is still at work, and beside a partition that takes nothing. What Kafka refuses
is left to `retrying`, and so is all that comes behind it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import asyncpg
import structlog
from prometheus_client import Gauge

from paykit.kafka.lanes import waits
from paykit.kafka.open_batches import OpenBatches
from paykit.kafka.read_position import Lane, ReadPosition
from paykit.kafka.refusals import Refusal
from paykit.kafka.retrying import TRIAL_STALL_S, Retrying
from paykit.kafka.sending import RELAYED, Sender
from paykit.postgres import outbox

CHUNK_EVENTS_MAX = 1000
"""Events read together, but for the rest of the batch that the last of them is in."""
READ_BYTES_MAX = 4 * 1024 * 1024
"""Of rows read together, but for the last of them."""
PAGE_ROWS = 1000
PAGES_MAX = 20
"""Of PAGE_ROWS looked at in a round, to find some that need not wait."""
BESIDE_S = 0.1
"""How long a round waits for its senders before the next goes on beside them."""
STALL_WARNING_S = 5.0
"""A topic not acknowledged for this long is told of in the log, again and again."""
WRITERS_EVERY_S = 0.25
"""How often is asked who is writing rows, where new ones were seen."""
SAVE_EVERY_S = 5.0
"""How often the settled position is kept for the next leader."""
FIRST_LOOK_MS = 2_000
"""How long a new leader looks for rows where none should be; with many dead rows it takes longer, and is given up."""

STALLED = Gauge("paystream_outbox_stalled_partitions", "Partitions that take nothing just now.", ["service", "topic"])

_log = structlog.get_logger()


class Lead:
    """One lead, on the connection that it lives and dies with.

    Attributes:
        progress: Set when a sender has settled its rows.
    """

    def __init__(self, connection: Any, *, schema: str, bootstrap: str, first_look_ms: int = FIRST_LOOK_MS) -> None:
        self._first_look_ms = first_look_ms
        self._connection = connection
        self._schema = schema
        client_id = f"paystream-{schema}-relay"
        self._make_sender: Callable[[], Sender] = lambda: Sender(bootstrap, client_id=client_id)
        self._senders: dict[str, Sender] = {}
        self._waiting: dict[str, set[int | None]] = {}
        """Of each topic with rows on their way the lanes that wait: stalled partitions, None for all while it sends."""
        self._since_s: dict[str, float] = {}
        self._shown: set[str] = set()
        self._position = ReadPosition()
        self._batches = OpenBatches(connection)
        self._writers_due_s = self._warning_due_s = self._save_due_s = 0.0
        self._saved_id = -1
        self.progress = asyncio.Event()
        self._retrying = Retrying(
            connection,
            schema=schema,
            make_sender=lambda: Sender(bootstrap, client_id=client_id, stall_s=TRIAL_STALL_S, keeps_stalled=False),
            progress=self.progress,
            is_sending=self._waiting.__contains__,
        )

    @property
    def working(self) -> bool:
        """Whether rows of the outbox are on their way."""
        return bool(self._waiting)

    @property
    def awaiting(self) -> bool:
        """Whether any rows are on their way, those that are tried again among them."""
        return self.working or self._retrying.working

    async def prepare(self) -> None:
        """Take over where an earlier lead had come to, and what it held back."""
        await self._retrying.prepare()
        settled_id = await self._connection.fetchval(outbox.SELECT_SETTLED_ID)
        if settled_id is not None:
            self._saved_id = await self._checked(settled_id)
            self._position = ReadPosition(self._saved_id)

    async def round(self) -> bool:
        """Read and send what can be sent, and settle what was; returns whether there was anything.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: The connection is lost, and the lead with it.
        """
        retried = await self._retrying.round()
        rows = await self._read()
        await self._send(await self._retrying.keep_back(rows))
        settled = await self._settle()
        await self._save()
        self._warn()
        return bool(rows or settled or retried)

    async def measure(self, rows_max: int) -> Any:
        """Measure what is held back; returns how many rows wait, counted to a bound, and since when the oldest does."""
        await self._retrying.measure()
        stalled = {topic: len(self._senders[topic].stalled) for topic in self._waiting}
        for topic in self._shown | set(stalled):
            STALLED.labels(self._schema, topic).set(stalled.get(topic, 0))
        self._shown = set(stalled)
        return await self._connection.fetchrow(outbox.SELECT_DEPTH, rows_max, self._settled_id)

    async def close(self) -> None:
        """Drop what is not acknowledged: a late copy must not overtake the next leader."""
        await asyncio.gather(*(sender.close() for sender in self._senders.values()), self._retrying.close())

    async def _checked(self, settled_id: int) -> int:
        """Look whether there are rows up to an id, up to which none should be: somebody may have put them there."""
        try:
            async with self._connection.transaction():
                await self._connection.execute(f"SET LOCAL statement_timeout = {self._first_look_ms}")
                first_id: int | None = await self._connection.fetchval(outbox.SELECT_FIRST_ID, settled_id)
        except asyncpg.QueryCanceledError:
            return settled_id
        if first_id is None:
            return settled_id
        _log.warning("outbox_row_behind_position", service=self._schema, outbox_id=first_id, settled_id=settled_id)
        return first_id - 1

    async def _read(self) -> Sequence[Any]:
        """Return events that need not wait, each as a row of its own."""
        await self._ask_for_writers()
        if not self._waiting:
            self._position.restart()  # All that was read is settled.
        chosen = await self._choose()
        if not chosen:
            return []
        rows = await self._connection.fetch(outbox.SELECT_ROWS, chosen)
        apart = self._stands_apart if self._waiting or self._retrying.holding else None
        events, unopened_id = await self._batches.open(rows, stands_apart=apart)
        if unopened_id is not None:
            self._position.left(unopened_id)
        if not self._waiting:
            return events
        return [event for event in events if not self._passes_over(event, self._waits_for(event))]

    async def _ask_for_writers(self) -> None:
        now_s = time.monotonic()
        if self._position.waits_for_writers and now_s >= self._writers_due_s:
            self._writers_due_s = now_s + WRITERS_EVERY_S
            rows = await self._connection.fetch(outbox.SELECT_WRITERS)
            self._position.writing([row["writer"] for row in rows])

    async def _choose(self) -> Sequence[int]:
        """Return the ids of rows that need not wait, or batches that may not have to, in their order."""
        chosen = list[int]()
        events = size = 0
        for _ in range(PAGES_MAX):
            page = await self._connection.fetch(outbox.SELECT_KEYS, self._position.cursor, PAGE_ROWS)
            last_id, full = None, False
            for row in page:
                last_id = row["id"]
                # The keys of a batch are not known before it is opened.
                if self._passes_over(row, self._waits_for(row) if row["events"] == 1 else self._topic_waits(row)):
                    continue
                chosen.append(last_id)
                events, size = events + row["events"], size + row["bytes"]
                full = events >= CHUNK_EVENTS_MAX or size >= READ_BYTES_MAX
                if full:
                    break
            self._position.looked(last_id, more=full or len(page) == PAGE_ROWS)
            if full or len(page) < PAGE_ROWS:
                break
        return chosen

    def _passes_over(self, row: Any, lane: Lane | None) -> bool:
        if lane is not None:
            self._position.passed_over(lane, row["id"])
        return lane is not None

    def _stands_apart(self, event: Any) -> bool:
        return self._waits_for(event) is not None or self._retrying.is_held(event)

    def _topic_waits(self, row: Any) -> Lane | None:
        topic = row["topic"]
        return (topic, None) if None in self._waiting.get(topic, ()) else None

    def _waits_for(self, row: Any) -> Lane | None:
        """Return what an event waits for, if anything."""
        topic = row["topic"]
        waiting = self._waiting.get(topic)
        if not waiting or None in waiting:
            return self._topic_waits(row)
        lane = self._senders[topic].lane(row["key"])
        return (topic, lane) if waits(lane, waiting) else None

    async def _send(self, rows: Iterable[Any]) -> None:
        chunks: dict[str, list[Any]] = defaultdict(list)
        for topic, waiting in self._waiting.items():
            if self._senders[topic].result is None and waiting:
                chunks[topic] = []  # To hear of what has stalled.
        for row in rows:
            chunks[row["topic"]].append(row)
        started = []
        for topic, chunk in chunks.items():
            sender = self._senders.get(topic) or self._senders.setdefault(topic, self._make_sender())
            self._since_s.setdefault(topic, time.monotonic())
            self._waiting.setdefault(topic, set()).add(None)
            result = sender.start(chunk)
            result.add_done_callback(lambda _: self.progress.set())
            started.append(result)
        if started:
            await asyncio.wait(started, timeout=BESIDE_S)

    async def _settle(self) -> int:
        """Delete what was acknowledged, also of chunks that are still on their way."""
        acknowledged, refusals, done = list[int](), list[Refusal](), list[str]()
        for topic in list(self._waiting):
            sender = self._senders[topic]
            if sender.result is not None and sender.result.done():
                settled = sender.finish()
                acknowledged += settled.acknowledged
                refusals += settled.refusals
                done.append(topic)
                if settled.left:
                    self._position.left(min(settled.left))
                self._free(topic)
            else:
                acknowledged += sender.take_acknowledged()
        if acknowledged:
            await self._connection.execute(outbox.DELETE_BATCH, self._batches.rows_of(acknowledged))
            RELAYED.labels(self._schema).inc(len(acknowledged))
        await self._batches.close(done)
        for refusal in refusals:
            await self._retrying.refuse(refusal)
        return len(acknowledged) + len(refusals)

    def _free(self, topic: str) -> None:
        """Have all of a topic read again but what waits for partitions that have stalled."""
        sender, before = self._senders[topic], self._waiting.pop(topic)
        waiting = {*sender.stalled, *([None] if sender.full else [])}
        if waiting:
            self._waiting[topic] = waiting
        else:
            del self._since_s[topic]
        for lane in before - waiting:
            self._position.freed((topic, lane))

    @property
    def _settled_id(self) -> int:
        return self._position.settled_id([self._senders[topic].first_id for topic in self._waiting])

    async def _save(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._save_due_s:
            self._save_due_s = now_s + SAVE_EVERY_S
            settled_id = self._settled_id
            if settled_id != self._saved_id:
                await self._connection.execute(outbox.SAVE_SETTLED_ID, settled_id)
                self._saved_id = settled_id

    def _warn(self) -> None:
        now_s = time.monotonic()
        waited_s = now_s - min(self._since_s.values(), default=now_s)
        if waited_s > STALL_WARNING_S and now_s > self._warning_due_s:
            self._warning_due_s = now_s + STALL_WARNING_S
            _log.warning(
                "kafka_not_acknowledging",
                service=self._schema,
                topics=sorted(self._waiting),
                partitions=sum(len(self._senders[topic].stalled) for topic in self._waiting),
                waited_s=round(waited_s, 1),
            )
