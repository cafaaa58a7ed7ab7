"""Consumes a service's topics: exactly-once effects by offsets that live in the transaction of the effects.

The event loop applies one batch while the fetcher's thread fetches the next. Each batch remembers from which position
it was fetched: it is applied only if that is still the position this consumer holds and the position stored. Everything
else is dropped and fetched again.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence

import structlog
from prometheus_client import Counter

from paykit.base.errors import UnavailableError
from paykit.consume import observing, start_positions
from paykit.consume.application import Application, RegistryMismatchError
from paykit.consume.fetching import Batch, Fetcher, Slice
from paykit.consume.halting.failed_runs import BACKOFF_FIRST_S, BACKOFF_MAX_S, BATCH_TRIES_MAX, FailedRuns
from paykit.consume.halting.failures import Failures
from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.halting.halts import Halts
from paykit.consume.halting.skips import Skips
from paykit.consume.lag import Lag
from paykit.consume.prepared import PreparedRecord
from paykit.consume.schema_learning import SCHEMA_UNKNOWN_GRACE_S, SchemaLearning
from paykit.consume.store import decisions, offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.kafka.topic_watch import TopicWatch
from paykit.postgres import faults
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

SCHEMA_RETRY_S = 1.0
"""How long a partition rests before the registry is asked again for a schema that it does not know."""
LAG_COMMIT_EVERY_S = 1.0
"""How often offsets are committed to Kafka, for lag tools only."""
REVOKE_WAIT_S = 30.0
"""How long a rebalance waits for the transaction in progress; after that the locked offset row decides."""
CHECK_EVERY_S = 2.0
"""How often the topics of partitions that bring nothing are looked at."""

RETRIES = Counter("paystream_consumer_retries_total", "Batches run again.", ["service", "cause"])

_log = structlog.get_logger()


class Consumer:
    """One Kafka consumer of a topic of a service, from start to stop; one that failed is of no further use.

    Topics have consumers of their own in one group: cooperative-sticky evens out how many partitions each consumer has,
    whatever their topics. So those of each topic are spread, and one topic's pauses are not the others'.
    """

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topic: str,
        lane: asyncio.Semaphore,
        topics: TopicWatch,
        database: Database,
        application: Application,
        on_applied: Callable[[], None],
        schema_unknown_grace_s: float = SCHEMA_UNKNOWN_GRACE_S,
    ) -> None:
        self._service = service
        # The consumers of a service's topics take turns, so that they have no more transactions at once than declared.
        self._lane = lane
        self._topics = topics
        self._database = database
        self._application = application
        self._on_applied = on_applied
        self._schemas = SchemaLearning(application, unknown_grace_s=schema_unknown_grace_s)
        names = {"service": service, "bootstrap": bootstrap, "group": group, "topic": topic}
        self._fetcher = Fetcher(**names, owner=self, records_max=application.records_max(topic))
        # Positions as this consumer holds them; the fetcher is ahead of them by what is not yet applied.
        self._positions: dict[TopicPartition, int] = {}
        self._topic_ids: dict[TopicPartition, str] = {}
        self._skips = Skips()
        self._failures = Failures()
        self._halts = Halts(service=service, database=database)
        self.lag = Lag(service=service, database=database, topics=topics, partitions=self._assigned)
        # Partitions whose next record Kafka does not have, and what it says.
        self._lost: dict[TopicPartition, str] = {}
        self._resume_at: dict[TopicPartition, float] = {}
        self._stopping = asyncio.Event()
        self._applying = asyncio.Lock()
        self._committed: dict[TopicPartition, int] = {}
        self.lag_commit_due = 0.0
        self._check_due = 0.0

    async def run(self) -> None:
        """Consume for ever until cancelled; then give up the transaction in progress and leave the group."""
        await self._fetcher.open()
        measuring = asyncio.create_task(self.lag.run())
        try:
            fetching = asyncio.create_task(self._fetcher.fetch())
            while True:
                batch = await asyncio.shield(fetching)
                fetching = asyncio.create_task(self._fetcher.fetch())
                await self._resume_due()
                await self._consume(batch)
                await self._look_after()
                await self._commit_to_kafka()
        finally:
            measuring.cancel()
            await asyncio.shield(self._stop())

    @property
    def is_consuming(self) -> bool:
        """Whether it has a partition that is not halted."""
        return bool(self._positions)

    @property
    def halted(self) -> Sequence[TopicPartition]:
        """Return which of its partitions are halted."""
        return sorted(self._halts.resting)

    def _assigned(self) -> Collection[TopicPartition]:
        return self._positions.keys() | self._halts.resting

    async def _stop(self) -> None:
        self._stopping.set()
        async with self._applying:
            ours = set(self._assigned())
            self._positions.clear()
        # One that failed, or that Kafka has put out of the group, is told nothing of what it loses.
        self._halts.forget(ours)
        self.lag.forget(ours)
        await self._fetcher.close()

    async def on_assigned(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
        """Load positions, backing off for as long as it takes: without them nothing can be consumed."""
        backoff_s = BACKOFF_FIRST_S
        while not self._stopping.is_set():
            try:
                return await self._start(partitions, partitions)
            except UnavailableError as error:
                _log.warning("positions_unavailable", service=self._service, error=str(error))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(backoff_s):
                        await self._stopping.wait()
                backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
        return {}

    async def _start(
        self, partitions: Sequence[TopicPartition], ours: Collection[TopicPartition]
    ) -> dict[TopicPartition, Position]:
        """Load and hold the stored positions; a partition whose log is another halts, and is left out.

        Args:
            partitions: To start.
            ours: Those of this consumer when that is done, for some may be given away meanwhile.

        Raises:
            UnavailableError: PostgreSQL or Kafka cannot be reached.
        """
        start = await start_positions.load(self._database, self._topics, partitions)
        for halt in start.refused:
            await self._rest(halt, ours)
        started = {key: position for key, position in start.positions.items() if key in ours}
        for partition, position in started.items():
            self._positions[partition] = position.next_offset
            self._topic_ids[partition] = position.topic_id
            self._skips.hold(partition, start.skips.get(partition, {}))
        self._halts.begin(started, start.halted)
        return started

    async def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Let the transaction in progress end, and forget the partitions."""
        try:
            async with asyncio.timeout(REVOKE_WAIT_S), self._applying:
                pass
        except TimeoutError:
            _log.warning("revoked_while_applying", service=self._service)
        self._failures.forget(partitions)
        self._halts.forget(partitions)
        self.lag.forget(partitions)
        for partition in partitions:
            self._skips.forget(partition)
            for kept in (self._positions, self._topic_ids, self._resume_at, self._committed, self._lost):
                kept.pop(partition, None)

    def on_records_gone(self, partition: TopicPartition, explanation: str) -> None:
        """Note that the next record of a partition is no longer there; it halts after the batch in hand."""
        if partition in self._positions:
            self._lost[partition] = explanation

    async def _consume(self, batch: Batch, *, tries_max: int = BATCH_TRIES_MAX) -> None:
        """Apply a batch, whatever it takes: infrastructure is waited for, a failing partition halts."""
        failed = FailedRuns(tries_max)
        dropped: set[TopicPartition] = set()
        while batch or dropped:
            try:
                if batch:
                    await self._learn_schemas(batch)
                    await self._check_topics(batch)
                    async with self._lane, self._applying:
                        dropped.update(await self._apply(batch, isolate=failed.in_handlers))
                    batch = {}
                # Outside the lock: the consumer's thread may be waiting for it in a rebalance.
                await self._refetch(dropped)
                dropped.clear()
            except HaltError as halt:
                await self._halt(halt)
                batch = {key: piece for key, piece in batch.items() if key not in halt.partitions}
            except Exception as error:
                failed.count(error)
                if failed.too_often:
                    if not batch:
                        raise  # Kafka's client itself failed: a new consumer takes its place.
                    await self._take_apart(batch, error)
                    batch = {}
                    continue
                RETRIES.labels(self._service, faults.sort(error).value).inc()
                _log.warning("batch_failed", service=self._service, error=f"{type(error).__name__}: {error}")
                dropped.update(await self._wait_polling(failed.next_backoff_s()))

    async def _take_apart(self, batch: Batch, error: Exception) -> None:
        """Apply a batch that fails around its handlers piece by piece; a partition halts before the record at fault."""
        if len(batch) > 1:
            for key, piece in batch.items():
                await self._consume({key: piece}, tries_max=1)
            return
        [(key, piece)] = batch.items()
        if len(piece.records) > 1:
            for half in piece.halves():
                await self._consume({key: half}, tries_max=1)
            return
        at = f"offset {piece.records[0].offset}: " if piece.records else ""
        await self._halt(HaltError(HaltReason.BATCH_FAILS, f"{at}{type(error).__name__}: {error}", key))

    async def _check_topics(self, partitions: Collection[TopicPartition]) -> None:
        """Ask whether topics are still those that the positions held are of.

        Raises:
            HaltError: For the partitions of a topic that is another.
            UnavailableError: Kafka cannot be reached.
        """
        held = {
            topic: self._topic_ids[topic, number] for topic, number in partitions if (topic, number) in self._positions
        }
        present = await self._topics.topic_ids(held) if held else {}
        for topic, topic_id in held.items():
            if present[topic] != topic_id:
                ours = [key for key in self._positions if key[0] == topic]
                if present[topic] is None:
                    raise HaltError(HaltReason.TOPIC_MISSING, "the cluster does not have it any more", *ours)
                explanation = f"its id was {topic_id}, and is {present[topic]}: it was made again"
                raise HaltError(HaltReason.TOPIC_REPLACED, explanation, *ours)

    async def _apply(self, batch: Batch, *, isolate: bool) -> list[TopicPartition]:
        """Apply what is still ours in one transaction; the partitions whose records were dropped."""
        ours = {key: piece for key, piece in batch.items() if self._positions.get(key) == piece.start}
        prepared = {key: self._prepared(key, piece) for key, piece in ours.items()}

        async def work(tx: Tx) -> tuple[dict[TopicPartition, int], Failures]:
            stored = await offsets.lock(tx, sorted(ours))
            ends = {key: piece.end for key, piece in ours.items() if piece.begins_at(stored.get(key))}
            records = [record for key in ends for record in prepared[key]]
            result = await self._application.apply(tx, records, isolate=isolate)
            failures = self._failures.after(result, {key: prepared[key] for key in ends}, on_trial=self._halts.on_trial)
            await offsets.advance(tx, ends, {key: ours[key].leader_epoch for key in ends})
            await self._halts.delete(tx, ends)
            await self._skips.apply(tx, ends)
            return ends, failures

        with observing.processing(self._service, prepared.values()):
            advanced, self._failures = (
                await self._database.transaction(work, lane=CONSUMING) if ours else ({}, self._failures)
            )
        for key, end in advanced.items():
            if key in self._positions:
                self._positions[key] = end
                self.lag.note_applied(key, next_offset=end, written_at=ours[key].written_at)
        self._halts.end(advanced)
        self._on_applied()
        return [key for key in batch if key not in advanced]

    def _prepared(self, partition: TopicPartition, piece: Slice) -> list[PreparedRecord]:
        """Decode records; those to be gone past are taken as they are.

        Raises:
            HaltError: The registry cannot be believed.
        """
        prepare = self._application.prepare
        try:
            if partition in self._skips:
                found = [self._skips.excluded(record) or prepare(record) for record in piece.records]
            else:
                found = [prepare(record) for record in piece.records]
        except RegistryMismatchError as error:
            raise HaltError(HaltReason.REGISTRY_MISMATCH, str(error), partition) from error
        return [prepared for prepared in found if prepared is not None]

    async def _learn_schemas(self, batch: Batch) -> None:
        """Learn unknown schema ids; cut a slice before a record whose schema may yet come, and let the rest go on."""
        for partition, piece in batch.items():
            for at, record in self._application.unknown(piece.records):
                if await self._schemas.is_decidable(record):
                    continue
                piece.records, piece.end = piece.records[:at], record.offset
                self._resume_at[partition] = time.monotonic() + SCHEMA_RETRY_S
                await self._fetcher.seek({partition: record.offset})
                await self._fetcher.pause([partition])
                break

    async def _resume_due(self) -> None:
        now = time.monotonic()
        due = [partition for partition, at in self._resume_at.items() if at <= now]
        if due:
            for partition in due:
                del self._resume_at[partition]
            await self._fetcher.resume([partition for partition in due if partition in self._positions])

    async def _refetch(self, dropped: Collection[TopicPartition]) -> None:
        """Read the stored positions of partitions whose records were dropped, and fetch from there if still ours."""
        ours = {key: self._topic_ids[key] for key in dropped if key in self._positions}
        if not ours:
            return
        started = await self._start(list(ours), self._positions.keys())
        # Of another topic id: people have adopted the topic meanwhile.
        adopted = {key: at for key, at in started.items() if at.topic_id != ours[key]}
        await self._fetcher.pause(self._halts.resting)
        await self._fetcher.start(adopted)
        await self._fetcher.seek({key: at.next_offset for key, at in started.items() if key not in adopted})

    async def _wait_polling(self, seconds: float) -> Collection[TopicPartition]:
        """Wait, but keep polling, so that the group does not think this consumer dead.

        Returns:
            Partitions of which records came all the same, and were dropped.
        """
        await self._fetcher.pause_all()
        try:
            await asyncio.sleep(seconds)
            return (await self._fetcher.fetch()).keys()
        finally:
            now = time.monotonic()
            resting = {*self._halts.resting} | {key for key, at in self._resume_at.items() if at > now}
            await self._fetcher.resume_except(resting)

    async def _look_after(self) -> None:
        """Halt partitions whose log is not what it was, and try those again that have rested for long enough."""
        try:
            await self._halt_lost()
            if time.monotonic() >= self._check_due:
                self._check_due = time.monotonic() + CHECK_EVERY_S
                await self._check_topics(self._positions)
            await self._try_halted(await self._halts.due())
            await self._halts.end_idle_trials()
        except HaltError as halt:
            await self._halt(halt)
        except UnavailableError as error:
            _log.warning("halts_not_looked_at", service=self._service, error=str(error))

    async def _halt_lost(self) -> None:
        """Halt partitions whose next record Kafka does not have, for the reason that can be found."""
        for partition, explanation in list(self._lost.items()):
            start = await start_positions.load(self._database, self._topics, [partition])
            truncated = "truncat" in explanation
            reason = HaltReason.LOG_TRUNCATED if truncated else HaltReason.RECORDS_GONE
            [halt] = start.refused or [HaltError(reason, explanation, partition)]
            await self._halt(halt)
            self._lost.pop(partition, None)

    async def _try_halted(self, partitions: Sequence[TopicPartition]) -> None:
        """Consume halted partitions again, from what is stored by now; those that cannot be halt on."""
        if not partitions:
            return
        wanted = await self._database.transaction(lambda tx: decisions.apply_resumes(tx, partitions), lane=CONSUMING)
        self._failures.forget(wanted)  # People say that what failed before tells nothing now.
        await self._fetcher.start(await self._start(partitions, self._halts.resting))

    async def _halt(self, halt: HaltError) -> None:
        """Have partitions rest until their next try."""
        await self._rest(halt, self._positions.keys())
        await self._fetcher.pause(halt.partitions)

    async def _rest(self, halt: HaltError, ours: Collection[TopicPartition]) -> None:
        partitions = [partition for partition in halt.partitions if partition in ours]
        for partition in partitions:
            self._positions.pop(partition, None)
            self._lost.pop(partition, None)
        if partitions:
            await self._halts.add(HaltError(halt.reason, halt.explanation, *partitions))

    async def _commit_to_kafka(self) -> None:
        """Commit to Kafka the positions that changed since the last time."""
        if time.monotonic() < self.lag_commit_due:
            return
        self.lag_commit_due = time.monotonic() + LAG_COMMIT_EVERY_S
        moved = {key: position for key, position in self._positions.items() if self._committed.get(key) != position}
        if moved:
            self._committed.update(moved)
            await self._fetcher.commit(moved)
