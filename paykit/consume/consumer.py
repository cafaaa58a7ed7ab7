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
from prometheus_client import Counter, Gauge

from paykit.base.errors import UnavailableError
from paykit.consume import start_positions
from paykit.consume.application import Application, BatchResult
from paykit.consume.failure_window import FailureWindow
from paykit.consume.fetching import Batch, Fetcher, Slice
from paykit.consume.prepared import PreparedRecord
from paykit.consume.schema_learning import SCHEMA_UNKNOWN_GRACE_S, SchemaLearning
from paykit.consume.store import offsets
from paykit.consume.store.offsets import TopicPartition
from paykit.postgres import faults
from paykit.postgres.database import Database, Tx
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import CONSUMING

RETRY_BACKOFF_S = 0.1
"""Before a failed batch is run again; doubled with each failure, up to RETRY_BACKOFF_MAX_S."""
RETRY_BACKOFF_MAX_S = 5.0
SCHEMA_RETRY_S = 1.0
"""How long a partition rests before the registry is asked again for a schema that it does not know."""
UNEXPECTED_TRIES_MAX = 3
"""Runs of a batch that fails unexpectedly before it is taken apart."""
LAG_COMMIT_EVERY_S = 1.0
"""How often offsets are committed to Kafka, for lag tools only."""
REVOKE_WAIT_S = 30.0
"""How long a rebalance waits for the transaction in progress; after that the locked offset row decides."""

HALTED = Gauge("paystream_consumer_halted", "1 while a partition is halted.", ["service", "topic", "partition"])
RETRIES = Counter("paystream_consumer_retries_total", "Batches run again.", ["service", "cause"])
POSITION = Gauge("paystream_consumer_next_offset", "The next offset to apply.", ["service", "topic", "partition"])

_log = structlog.get_logger()


class HaltError(Exception):
    """A partition cannot go on without a person: a bad deployment, another incarnation, or lost records."""

    def __init__(self, partition: TopicPartition, reason: str) -> None:
        super().__init__(f"{partition[0]}/{partition[1]}: {reason}")
        self.partition = partition
        self.reason = reason


class Consumer:
    """One Kafka consumer of a service, from start to stop; one that failed is of no further use."""

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        database: Database,
        application: Application,
        on_applied: Callable[[], None],
        schema_unknown_grace_s: float = SCHEMA_UNKNOWN_GRACE_S,
    ) -> None:
        self._service = service
        self._bootstrap = bootstrap
        self._database = database
        self._application = application
        self._on_applied = on_applied
        self._schemas = SchemaLearning(application, unknown_grace_s=schema_unknown_grace_s)
        self._fetcher = Fetcher(
            service=service, bootstrap=bootstrap, group=group, topics=application.topics, owner=self
        )
        # Positions as this consumer holds them; the fetcher is ahead of them by what is not yet applied.
        self._positions: dict[TopicPartition, int] = {}
        self._windows: dict[TopicPartition, FailureWindow] = {}
        self._resume_at: dict[TopicPartition, float] = {}
        self._halted: set[TopicPartition] = set()
        self._stopping = asyncio.Event()
        self._applying = asyncio.Lock()
        self._committed: dict[TopicPartition, int] = {}
        self._lag_commit_due = 0.0

    async def run(self) -> None:
        """Consume for ever until cancelled; then give up the transaction in progress and leave the group."""
        await self._fetcher.open()
        try:
            fetching = asyncio.create_task(self._fetcher.fetch())
            while True:
                batch = await asyncio.shield(fetching)
                fetching = asyncio.create_task(self._fetcher.fetch())
                await self._resume_due()
                await self._consume(batch)
                await self._commit_to_kafka()
        finally:
            await asyncio.shield(self._stop())

    async def _stop(self) -> None:
        self._stopping.set()
        async with self._applying:
            self._positions.clear()
        await self._fetcher.close()

    async def on_assigned(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Load positions, backing off for as long as it takes: without them nothing can be consumed."""
        backoff_s = RETRY_BACKOFF_S
        while not self._stopping.is_set():
            try:
                starts = await self._load_positions(partitions)
            except UnavailableError as error:
                _log.warning("positions_unavailable", service=self._service, error=str(error))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(backoff_s):
                        await self._stopping.wait()
                backoff_s = min(backoff_s * 2, RETRY_BACKOFF_MAX_S)
            else:
                self._halted.difference_update(starts)
                self._positions.update(starts)
                return starts
        return {}

    async def _load_positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Load the stored positions; a partition of another incarnation is shown as halted and left out.

        Raises:
            UnavailableError: PostgreSQL or Kafka cannot be reached.
        """
        start = await start_positions.load(self._database, self._bootstrap, partitions)
        for partition, reason in start.refused.items():
            self._show_halted(HaltError(partition, reason))
        for partition in start.next_offsets:
            HALTED.labels(self._service, *map(str, partition)).set(0)
        return start.next_offsets

    async def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Let the transaction in progress end, and forget the partitions."""
        try:
            async with asyncio.timeout(REVOKE_WAIT_S), self._applying:
                pass
        except TimeoutError:
            _log.warning("revoked_while_applying", service=self._service)
        self._halted.difference_update(partitions)
        for partition in partitions:
            self._positions.pop(partition, None)
            self._windows.pop(partition, None)
            self._resume_at.pop(partition, None)
            self._committed.pop(partition, None)

    async def on_records_gone(self, partition: TopicPartition, reason: str) -> None:
        """Halt a partition whose next records are no longer there."""
        await self._halt(HaltError(partition, reason))

    async def _consume(self, batch: Batch) -> None:
        """Apply a batch, whatever it takes: infrastructure is waited for, a failing partition halts."""
        backoff_s = RETRY_BACKOFF_S
        failures = 0
        dropped: set[TopicPartition] = set()
        while batch or dropped:
            try:
                if batch:
                    await self._learn_schemas(batch)
                    async with self._applying:
                        dropped.update(await self._apply(batch, isolate=failures >= UNEXPECTED_TRIES_MAX))
                    batch = {}
                # Outside the lock: the consumer's thread may be waiting for it in a rebalance.
                await self._refetch(dropped)
                dropped.clear()
            except HaltError as halt:
                await self._halt(halt)
                batch.pop(halt.partition, None)
            except Exception as error:
                fault = faults.sort(error)
                failures += fault is Fault.UNEXPECTED
                if failures > UNEXPECTED_TRIES_MAX:
                    if not batch:
                        raise  # Kafka's client itself failed: a new consumer takes its place.
                    await self._halt_all(batch, error)
                    batch = {}
                    continue
                RETRIES.labels(self._service, fault.value).inc()
                _log.warning("batch_failed", service=self._service, error=f"{type(error).__name__}: {error}")
                dropped.update(await self._wait_polling(backoff_s))
                backoff_s = min(backoff_s * 2, RETRY_BACKOFF_MAX_S)

    async def _apply(self, batch: Batch, *, isolate: bool) -> list[TopicPartition]:
        """Apply what is still ours in one transaction; the partitions whose records were dropped."""
        ours = {key: piece for key, piece in batch.items() if self._positions.get(key) == piece.start}
        prepared = {key: self._prepared(piece) for key, piece in ours.items()}

        async def work(tx: Tx) -> tuple[dict[TopicPartition, int], dict[TopicPartition, FailureWindow]]:
            stored = await offsets.lock(tx, sorted(ours))
            ends = {key: piece.end for key, piece in ours.items() if stored.get(key) == piece.start}
            records = [record for key in ends for record in prepared[key]]
            result = await self._application.apply(tx, records, isolate=isolate)
            windows = self._check_failures(result, {key: prepared[key] for key in ends})
            await offsets.advance(tx, ends)
            return ends, windows

        advanced, windows = await self._database.transaction(work, lane=CONSUMING) if ours else ({}, {})
        self._windows.update(windows)
        for key, end in advanced.items():
            if key in self._positions:
                self._positions[key] = end
            POSITION.labels(self._service, *map(str, key)).set(end)
        self._on_applied()
        return [key for key in batch if key not in advanced]

    def _prepared(self, piece: Slice) -> list[PreparedRecord]:
        prepare = self._application.prepare
        return [prepared for record in piece.records if (prepared := prepare(record)) is not None]

    def _check_failures(
        self, result: BatchResult, records: dict[TopicPartition, list[PreparedRecord]]
    ) -> dict[TopicPartition, FailureWindow]:
        """Follow unexpected failures by partition; halt one before its dead letters are committed."""
        failed = {(record.topic, record.partition, record.offset) for record in result.unexpected}
        if failed and not result.applied and len(failed) > 1:
            first = result.unexpected[0]
            raise HaltError((first.topic, first.partition), "every event fails: a defect, not bad data")
        windows = {}
        for key, partition_records in records.items():
            flags = [bool(failed) and (*key, prepared.record.offset) in failed for prepared in partition_records]
            windows[key] = self._windows.get(key, FailureWindow()).after(flags)
            if any(flags) and windows[key].exceeded:
                raise HaltError(key, "too many unexpected failures: a defect, not bad data")
        return windows

    async def _learn_schemas(self, batch: Batch) -> None:
        """Learn unknown schema ids; cut a slice before a record whose schema may yet come, and let the rest go on."""
        for partition, piece in batch.items():
            for at, record in enumerate(piece.records):
                if self._application.unknown_schema(record) is None or await self._schemas.is_decidable(record):
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
        ours = [key for key in dropped if key in self._positions]
        if not ours:
            return
        stored = await self._load_positions(ours)
        # Some may have been given away meanwhile.
        still_ours = {key: position for key, position in stored.items() if key in self._positions}
        self._positions.update(still_ours)
        await self._fetcher.seek(still_ours)

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
            resting = self._halted | {key for key, at in self._resume_at.items() if at > now}
            await self._fetcher.resume_except(resting)

    async def _halt(self, halt: HaltError) -> None:
        """Stop consuming a partition until it is assigned anew, that is: until somebody has looked and restarted."""
        self._show_halted(halt)
        await self._fetcher.pause([halt.partition])

    async def _halt_all(self, batch: Batch, error: Exception) -> None:
        for partition in batch:
            await self._halt(HaltError(partition, f"{type(error).__name__}: {error}"))

    def _show_halted(self, halt: HaltError) -> None:
        self._positions.pop(halt.partition, None)
        self._halted.add(halt.partition)
        HALTED.labels(self._service, *map(str, halt.partition)).set(1)
        _log.critical("partition_halted", service=self._service, partition=halt.partition, reason=halt.reason)

    async def _commit_to_kafka(self) -> None:
        """Commit to Kafka the positions that changed since the last time."""
        if time.monotonic() < self._lag_commit_due:
            return
        self._lag_commit_due = time.monotonic() + LAG_COMMIT_EVERY_S
        moved = {key: position for key, position in self._positions.items() if self._committed.get(key) != position}
        if moved:
            self._committed.update(moved)
            await self._fetcher.commit(moved)
