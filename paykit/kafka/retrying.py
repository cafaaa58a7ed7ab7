"""Keeps back what Kafka refuses, with all that comes behind it, and tries it again, slowly, until it is taken.

A hold is of a key or of a whole topic. Its rows stand in `outbox_held`; what is written behind them joins them there,
so the order of each key holds, and the rest goes on.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Gauge

from paykit.kafka.refusals import Refusal
from paykit.kafka.sending import RELAYED, Sender
from paykit.postgres import outbox
from paykit.postgres.batches.outbox_batches import EVENT_TYPE, Packer
from paykit.postgres.held import outbox_holds

HELD_ROWS_MAX = 1000
"""Rows sent together once what was refused is taken."""
PROBES_MAX = 16
"""Keys of a topic tried together, each by its first row."""
DUE_EVERY_S = 1.0
"""How often is looked for holds whose time to be tried has come; also the wait after `paystream outbox retry`."""
HELD_KEYS_MAX = 1000
"""Keys of a topic that are held one by one; one more, and the topic is held."""
COUNTED_ROWS_MAX = 100_000
TRIAL_STALL_S = 15.0
"""How long a trial waits for an answer, which is for longer than TOPIC_UNKNOWN_GRACE_MS, before others are tried."""

REFUSED = Gauge("paystream_outbox_refused", "Keys and topics held, for Kafka refuses.", ["service", "topic", "reason"])
QUARANTINED = Gauge(
    "paystream_outbox_quarantined_keys", "Keys whose rows are held, among 100,000 rows.", ["service", "topic"]
)

Target = tuple[str, str | None]
"""A topic, and one key of it or None for all."""

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Hold:
    """Why, and whether what was refused has been taken, so that the rest is being sent."""

    reason: str
    taken: bool = False


@dataclass(slots=True, kw_only=True)
class _Trial:
    """What a sender is at: the row that each hold hangs on, or none where it sends the rest."""

    probes: Mapping[Target, int]
    acknowledged: set[int] = field(default_factory=set)


class Retrying:
    """The holds of one lead; `is_sending` tells whether rows of a topic are on their way from the outbox itself."""

    def __init__(
        self,
        connection: Any,
        *,
        schema: str,
        make_sender: Callable[[], Sender],
        progress: asyncio.Event,
        is_sending: Callable[[str], bool],
    ) -> None:
        self._is_sending = is_sending
        self._connection = connection
        self._schema = schema
        self._make_sender = make_sender
        self._progress = progress
        self._holds: dict[Target, _Hold] = {}
        self._senders: dict[str, Sender] = {}
        self._trials: dict[str, _Trial] = {}
        self._due_at = 0.0
        self._shown: set[tuple[str, str]] = set()
        self._measured: set[str] = set()

    @property
    def working(self) -> bool:
        """Whether rows are on their way."""
        return bool(self._trials)

    @property
    def holding(self) -> bool:
        """Whether anything is held back."""
        return bool(self._holds)

    def is_held(self, row: Any) -> bool:
        """Whether a row stands behind a refusal."""
        return (row["topic"], None) in self._holds or (row["topic"], row["key"]) in self._holds

    async def prepare(self) -> None:
        """Take over the holds of an earlier lead."""
        rows = await self._connection.fetch(outbox_holds.SELECT_TARGETS)
        self._holds = {outbox_holds.target(row): _Hold(reason=row["reason"]) for row in rows}
        self._show()

    async def keep_back(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Set rows aside that stand behind a refusal, and return the others."""
        if not self._holds:
            return rows
        held = {row["id"] for row in rows if self.is_held(row)}
        if held:
            await self._connection.execute(outbox.SET_ASIDE, [*held])
        return [row for row in rows if row["id"] not in held]

    async def refuse(self, refusal: Refusal) -> None:
        """Hold the key of a row back, or its topic."""
        topic, key = refusal.row["topic"], refusal.row["key"]
        whole = refusal.whole_topic or len(self._keys(topic) - {key}) >= HELD_KEYS_MAX
        target = (topic, None if whole else key)
        await self._connection.execute(outbox_holds.REFUSE, *target, refusal.row["id"], refusal.reason, refusal.error)
        self._holds[target] = _Hold(reason=refusal.reason)
        _log.error(
            "outbox_refused",
            service=self._schema,
            topic=topic,
            key=target[1],
            outbox_id=refusal.row["id"],
            reason=refusal.reason,
            error=refusal.error,
        )
        self._show()

    async def round(self) -> bool:
        """Settle what was tried, and try what is due; returns whether there was anything."""
        if not self._holds:
            return False
        settled = [await self._settle(topic) for topic in list(self._trials)]
        due = await self._due()
        taken = {topic for (topic, _), hold in self._holds.items() if hold.taken}
        started = [
            await self._try(topic, due.get(topic, []))
            for topic in sorted(taken | set(due))
            if topic not in self._trials
        ]
        return any(settled) or any(started)

    async def measure(self) -> None:
        """Count the keys that are held."""
        if not self._holds and not self._measured:
            return
        rows = await self._connection.fetch(outbox.SELECT_HELD_KEYS, COUNTED_ROWS_MAX)
        keys = {row["topic"]: row["keys"] for row in rows}
        for topic in self._measured | set(keys):
            QUARANTINED.labels(self._schema, topic).set(keys.get(topic, 0))
        self._measured = set(keys)

    async def close(self) -> None:
        """Drop what is not acknowledged, and show nothing any more: another lead knows what is held."""
        try:
            await asyncio.gather(*(sender.close() for sender in self._senders.values()))
        finally:
            self._holds = {}
            for gauge, shown in ((REFUSED, self._shown), (QUARANTINED, {(topic,) for topic in self._measured})):
                for labels in shown:
                    gauge.remove(self._schema, *labels)
            self._shown, self._measured = set(), set()

    def _keys(self, topic: str) -> set[str]:
        return {key for of, key in self._holds if of == topic and key is not None}

    async def _due(self) -> Mapping[str, list[Target]]:
        due: dict[str, list[Target]] = defaultdict(list)
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + DUE_EVERY_S
            for row in await self._connection.fetch(outbox_holds.SELECT_DUE, PROBES_MAX):
                due[row["topic"]].append(outbox_holds.target(row))
        return due

    async def _try(self, topic: str, due: Sequence[Target]) -> bool:
        whole = self._holds.get((topic, None))
        if whole is not None and self._is_sending(topic):
            return False  # What of the outbox is still on its way comes first.
        if whole is not None and not whole.taken:
            return (topic, None) in due and await self._probe(topic, [(topic, None)])
        # The keys of a topic that was held before they were come first: they are few.
        keyed = [target for target in due if target in self._holds and not self._holds[target].taken]
        if keyed:
            return await self._probe(topic, keyed[:PROBES_MAX])
        target = next((target for target, hold in self._holds.items() if target[0] == topic and hold.taken), None)
        if target is None:
            return False
        self._holds[target] = self._holds.pop(target)  # In turn, for one of them may stall.
        rows = await self._rows(target, HELD_ROWS_MAX)
        return await (self._start(topic, rows, {}) if rows else self._end(target))

    async def _probe(self, topic: str, targets: Sequence[Target]) -> bool:
        first: dict[Target, Any] = {}
        for target in targets:
            for row in await self._rows(target, 1):
                first[target] = row
            if target not in first:
                await self._end(target)
        rows = sorted(first.values(), key=lambda row: int(row["id"]))
        probes = {target: int(row["id"]) for target, row in first.items()}
        return not rows or await self._start(topic, rows, probes)

    async def _rows(self, target: Target, rows_max: int) -> Sequence[Any]:
        """Read the oldest rows of a hold; of a topic those of keys that are not held themselves."""
        topic, key = target
        if key is None:
            found = self._connection.fetch(outbox.SELECT_HELD_OF_TOPIC, topic, [*self._keys(topic)], rows_max)
        else:
            found = self._connection.fetch(outbox.SELECT_HELD_OF_KEY, topic, key, rows_max)
        rows: Sequence[Any] = await found
        batches = [row for row in rows if row["event_type"] == EVENT_TYPE]
        if not batches:
            return rows
        events = [event for batch in batches for event in Packer().unpack(batch)]
        await outbox.replace_held_batches(self._connection, [batch["id"] for batch in batches], events)
        return await self._rows(target, rows_max)

    async def _start(self, topic: str, rows: Sequence[Any], probes: Mapping[Target, int]) -> bool:
        sender = self._senders.get(topic) or self._senders.setdefault(topic, self._make_sender())
        self._trials[topic] = _Trial(probes=probes)
        sender.start(rows, singly=bool(probes)).add_done_callback(lambda _: self._progress.set())
        return True

    async def _settle(self, topic: str) -> bool:
        sender, trial = self._senders[topic], self._trials[topic]
        done = sender.result is not None and sender.result.done()
        settled = sender.finish() if done else None
        fresh = sender.take_acknowledged() if settled is None else settled.acknowledged
        trial.acknowledged.update(fresh)
        if fresh:
            await self._connection.execute(outbox.DELETE_HELD, fresh)
            RELAYED.labels(self._schema).inc(len(fresh))
        if settled is not None:
            del self._trials[topic]
            for refusal in settled.refusals:
                await self.refuse(refusal)
            refused = {refusal.row["id"] for refusal in settled.refusals}
            for target, row_id in trial.probes.items():
                if row_id in trial.acknowledged:
                    await self._connection.execute(outbox_holds.TAKEN, *target)
                    self._holds[target].taken = True
                elif row_id not in refused:
                    await self._connection.execute(outbox_holds.POSTPONE, *target)
        return bool(done or fresh)

    async def _end(self, target: Target) -> bool:
        """End a hold of which no row is left."""
        await self._connection.execute(outbox_holds.END, *target)
        del self._holds[target]
        _log.info("outbox_delivered_after_all", service=self._schema, topic=target[0], key=target[1])
        self._show()
        if not any(topic == target[0] for topic, _ in self._holds):
            await self._senders.pop(target[0], self._make_sender()).close()
        return True

    def _show(self) -> None:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for (topic, _), hold in self._holds.items():
            counts[topic, hold.reason] += 1
        for topic, reason in self._shown | set(counts):
            REFUSED.labels(self._schema, topic, reason).set(counts.get((topic, reason), 0))
        self._shown = set(counts)
