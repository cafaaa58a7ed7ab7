"""PostgreSQL, once for all services: connections, transactions and their retries.

The runtime says BEGIN and COMMIT itself: one place decides isolation, lock timeouts and retries.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import asyncpg

from paykit.base.errors import DefectError, UnavailableError
from paykit.cause import Cause
from paykit.clock import Clock
from paykit.events.codec import Codec, Event
from paykit.ids import new_id
from paykit.postgres import connecting, faults, pooled
from paykit.postgres.batches.emitted import Emitted, EventColumns, require_queueable
from paykit.postgres.batches.outbox_writing import OutboxWriter
from paykit.postgres.claims import Claims
from paykit.postgres.contention import LockedKey, RowsLockedError
from paykit.postgres.faults import Fault
from paykit.postgres.fused.fused_driver import FusedDriver
from paykit.postgres.fused.writes import Write
from paykit.postgres.lanes import JOB, READING, Lane, Shares
from paykit.postgres.lock_order import LockOrder
from paykit.postgres.outbox import EncodedEvents, Headers, RawRow, dataschema
from paykit.postgres.rows import BinaryRows, copy_rows
from paykit.postgres.wakeups import OUTBOX, OUTCOMES

T = TypeVar("T")
W = TypeVar("W", bound="Unsaved")

TRANSACTION_TRIES_MAX = 3
"""Runs of one transaction before a serialization failure or deadlock is given up."""


class Unsaved(Protocol):
    """A unit of work: what a transaction must save before it commits."""

    @property
    def unsaved(self) -> bool:
        """Whether there is something to write."""
        ...

    async def save(self, tx: "Tx", /) -> None:
        """Write it."""
        ...


@dataclass(slots=True)
class Savepoint:
    """A block of a transaction.

    Attributes:
        undone_at_end: Set by the block to have itself undone, as if it had raised.
    """

    undone_at_end: bool = False


class Tx:
    """One transaction of one service, on its own PostgreSQL schema.

    Attributes:
        now: Business time in UTC, the same for the whole transaction.
        after_commit: What to call, in order, once it is committed: for metrics, so that what is run again counts once.
            None of them may raise.
        at_end: Takes what is left for the end; None where each write is sent at once.
        lane: How long it waits for locks.
        claims: Which rows it may take, where it is a job's.
    """

    __slots__ = (
        *("_codec", "_driver", "_held", "_lock_order", "_lock_rank", "_outbox", "_units", "after_commit", "at_end"),
        *("claims", "emitted", "emitted_raw", "lane", "now", "signals"),
    )

    def __init__(
        self,
        *,
        driver: Any,
        codec: Codec,
        outbox: OutboxWriter,
        lock_order: LockOrder,
        now: datetime,
        lane: Lane,
        at_end: FusedDriver | None = None,
    ) -> None:
        self.at_end = at_end
        self.lane = lane
        self.claims = Claims()
        self._lock_order = lock_order
        self._lock_rank = 0
        self._units: list[Unsaved] = []
        self._driver = driver
        self._codec = codec
        self._outbox = outbox
        self._held: set[Hashable] = set()
        self.emitted = Emitted()
        self.emitted_raw: list[RawRow] = []
        self.signals: set[str] = set()
        self.after_commit: list[Callable[[], None]] = []
        self.now = now

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement by the driver and give its rows; for hot, set-based statements ($1::text[])."""
        rows: list[asyncpg.Record] = await self._driver.fetch(sql, *args)
        return rows

    async def look(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Do as `fetch` for a query that locks nothing, and calls nothing that writes.

        Where writes are left for the end, it begins no transaction.
        """
        rows: list[asyncpg.Record] = await (self.at_end.look if self.at_end else self._driver.fetch)(sql, *args)
        return rows

    async def pages(self, sql: str, *args: Any, rows_max: int) -> AsyncIterator[list[asyncpg.Record]]:
        """Run one statement by the driver and give its rows in pages of so many, by a cursor of the server.

        Whatever there is, one page of it is held in memory.
        """
        cursor = await self._driver.cursor(sql, *args)
        while page := await cursor.fetch(rows_max):
            yield page

    async def lock(self, table: str, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run a statement that locks rows of a table and give them; tables come in the order the service declares.

        Raises:
            DefectError: The table has no place in that order, or comes before one that is locked already.
        """
        self._lock_rank = self._lock_order.advance(self._lock_rank, table)
        return await self.fetch(sql, *args)

    def refuse_locked(self, table: str, keys: Collection[LockedKey]) -> None:
        """Give the transaction up where rows that it is to lock are held by another.

        Raises:
            RowsLockedError: There are some.
        """
        if keys:
            raise RowsLockedError(table, keys, self._units)

    def restart_lock_order(self) -> None:
        """Begin a step of its own, as each handler of a batch is: where two of them meet, PostgreSQL finds the ring."""
        self._lock_rank = 0

    async def run(self, sql: str, *args: Any) -> int:
        """Run one statement by the driver and give the number of rows changed."""
        status: str = await self._driver.execute(sql, *args)
        return int(status.rpartition(" ")[2])

    async def insert(self, sql: str, *args: Any) -> None:
        """Run an insert that reads no table, or leave it for the end."""
        if self.at_end is None:
            await self.run(sql, *args)
        else:
            self.at_end.leave(Write(sql, args))

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]] | BinaryRows) -> None:
        """Insert many rows by COPY, in the order given."""
        await copy_rows(self._driver, table, list(columns), rows)

    def hold(self, *keys: Hashable) -> None:
        """State that these aggregates are locked, or were just inserted, by this transaction."""
        self._held.update(keys)

    def track(self, unit: W) -> W:
        """Take note of a unit of work, which must be saved before the transaction commits."""
        self._units.append(unit)
        return unit

    async def save(self, *units: Unsaved) -> None:
        """Write units of work, in this order."""
        for unit in units:
            await unit.save(self)

    def wake(self, signal: str) -> None:
        """Wake whoever waits for a signal, in this and other processes of the service, once this is committed."""
        self.signals.add(signal)

    def emit(self, event: Event, *, cause: Cause) -> None:
        """Stamp and encode an event now; its outbox row is written just before the transaction commits.

        Raises:
            DefectError: The aggregate whose id is the event's key is not held, so its order could not be kept, or
                the event is larger than EVENT_BYTES_MAX.
        """
        event_id = event.event_id or new_id("evt", of=event.merchant_id)
        value = self._codec.encode(
            event,
            stamps={
                "event_id": event_id,
                "recorded_at": self.now,
                "correlation_id": event.correlation_id or cause.correlation_id,
                "causation_id": event.causation_id or cause.causation_id,
                "actor": event.actor or cause.actor,
            },
        )
        key, kind = getattr(event, event.KEY), type(event)
        require_queueable(kind.RECORD, [key], self._held, largest=len(value))
        topic, schema = self._codec.topic(kind.TOPIC), dataschema(kind)
        row = (topic, key, event_id, kind.RECORD, schema, event.occurred_at, cause.traceparent, value)
        self.emitted.append(row)

    def emit_encoded(self, kind: type[Event], events: EncodedEvents) -> None:
        """Emit events of one class whose bodies are encoded and stamped already, as by an `EventTemplate`.

        Raises:
            DefectError: As `emit`.
        """
        prefix, record, schema = self._codec.prefix(kind), kind.RECORD, dataschema(kind)
        values = [prefix + body for body in events.bodies]
        require_queueable(record, events.keys, self._held, largest=max(map(len, values), default=0))
        kinds = [(record, schema, traceparent) for traceparent in events.traceparents]
        topic = self._codec.topic(kind.TOPIC)
        self.emitted.extend(EventColumns(topic, events.keys, events.event_ids, kinds, events.occurred_us, values))

    def emit_raw(self, *, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        """Queue a message whose bytes are given, such as the copy of a dead letter; it keeps no order with events."""
        self.emitted_raw.append(RawRow(topic=topic, key=key, now=self.now, value=value, headers=headers))

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[Savepoint]:
        """Undo the block's statements, events and held keys when it raises or asks for it; the transaction goes on."""
        emitted, emitted_raw, held = self.emitted.mark(), len(self.emitted_raw), self._held.copy()
        lock_rank, units, after_commit = self._lock_rank, len(self._units), len(self.after_commit)

        async def undo() -> None:
            # Rolled back to, a savepoint still stands, and would hide the outer one of the same name.
            await self._driver.execute("ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step")
            self.emitted.undo(emitted)
            del self.emitted_raw[emitted_raw:]
            del self._units[units:], self.after_commit[after_commit:]
            self._held, self._lock_rank = held, lock_rank

        savepoint = Savepoint()
        await self._driver.execute("SAVEPOINT step")
        try:
            yield savepoint
        except Exception:
            await undo()
            raise
        if savepoint.undone_at_end:
            await undo()
        else:
            await self._driver.execute("RELEASE SAVEPOINT step")

    async def flush(self) -> None:
        """Write the outbox rows of the events emitted so far; ids follow the order of emission within each topic.

        Raises:
            DefectError: A unit of work was not saved.
        """
        if any(unit.unsaved for unit in self._units):
            raise DefectError("a command ended without saving what it changed")
        if self.at_end is None:
            await self._outbox.write(self._driver, self.emitted, self.emitted_raw)
        else:
            await self.at_end.finish(await self._outbox.writes(self._driver, self.emitted, self.emitted_raw))


class Database:
    """The connections of one service.

    After a commit `on_signal` is called with each signal of the transaction, `OUTBOX` where it wrote outbox rows and
    `OUTCOMES` where one of them is an event of the records `concluding`.

    Attributes:
        clock: Business time.
    """

    def __init__(
        self,
        *,
        url: str,
        schema: str,
        clock: Clock,
        codec: Codec,
        connections_max: int,
        locks: Sequence[str] = (),
        on_signal: Callable[[str], None] = lambda _signal: None,
        concluding: Collection[str] = (),
    ) -> None:
        self.url = url
        self.schema = schema
        self._sessions = pooled.Sessions(partial(connecting.connect, url, schema), connections_max)
        self._shares = Shares(connections_max)
        self.clock = clock
        self._codec = codec
        self._outbox = OutboxWriter()
        self._lock_order = LockOrder(locks)
        self._on_signal = on_signal
        self._concluding = frozenset(concluding)

    async def transaction(self, work: Callable[[Tx], Awaitable[T]], *, lane: Lane = JOB) -> T:
        """Run work in one READ COMMITTED transaction, again (at most 3 times) after a serialization failure.

        Raises:
            UnavailableError: PostgreSQL cannot be reached; nothing was done.
            CommitUnknownError: The connection broke during COMMIT.
            RowsLockedError: A row is held by another transaction, and the lane does not wait.
        """
        return await self._run(work, "BEGIN", lane)

    async def write_at_end(self, work: Callable[[Tx], Awaitable[T]], *, lane: Lane) -> T:
        """Run work once, in a transaction that leaves its writes for the end, and begins only when something needs it.

        What it inserts that others have inserted fails it, with all that it did.

        Raises:
            UnavailableError: As `transaction`.
            CommitUnknownError: As `transaction`.
            RowsLockedError: As `transaction`.
        """
        return await self._attempt(work, None, lane)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot, in a transaction that cannot write."""
        try:
            return await self._run(work, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", READING)
        except UnavailableError as error:
            # Here it was not the server that would take no writes.
            if error.__cause__ is not None and faults.is_read_only(error.__cause__):
                raise error.__cause__ from None
            raise

    async def close(self) -> None:
        """Close every connection; those that a silent server does not let go are cut."""
        await self._sessions.close()

    async def _run(self, work: Callable[[Tx], Awaitable[T]], begin: str, lane: Lane) -> T:
        for tries_left in range(TRANSACTION_TRIES_MAX - 1, -1, -1):
            try:
                return await self._attempt(work, begin, lane)
            except UnavailableError:
                raise
            except Exception as error:
                if faults.sort(error) is not Fault.CONFLICT or not tries_left:
                    raise
        raise AssertionError  # The last try returned or raised.

    async def _attempt(self, work: Callable[[Tx], Awaitable[T]], begin: str | None, lane: Lane) -> T:
        """Run work in a transaction that begins by a statement, or that writes at its end where there is none."""
        async with self._shares.connection(lane.share), self._session(lane) as driver:
            fused = FusedDriver(driver) if begin is None else None
            tx = Tx(
                driver=fused or driver,
                codec=self._codec,
                outbox=self._outbox,
                lock_order=self._lock_order,
                now=self.clock.now(),
                lane=lane,
                at_end=fused,
            )
            try:
                # Inside, for a BEGIN that was cancelled may have begun all the same.
                if begin is not None:
                    await driver.execute(begin)
                result = await work(tx)
                await tx.flush()
            except BaseException as error:
                await pooled.undo(driver, error, begun=fused is None or fused.begun)
                raise
            if fused is None or fused.begun:
                await pooled.commit(driver)
        self._tell(tx)
        return result

    def _tell(self, tx: Tx) -> None:
        """Wake whoever waits for what a transaction has committed."""
        if len(tx.emitted) or tx.emitted_raw:
            tx.wake(OUTBOX)
        if self._concluding and not self._concluding.isdisjoint(tx.emitted.records):
            tx.wake(OUTCOMES)
        for signal in tx.signals:
            self._on_signal(signal)
        for call in tx.after_commit:
            call()

    @contextlib.asynccontextmanager
    async def _session(self, lane: Lane) -> AsyncIterator[Any]:
        """Use the driver's connection of a session."""
        try:
            session = await self._sessions.take(lane.lock_timeout_ms)
            try:
                yield session.driver
            finally:
                self._sessions.give_back(session)
        except Exception as error:
            if not isinstance(error, UnavailableError) and faults.sort(error) is Fault.UNAVAILABLE:
                raise UnavailableError(f"PostgreSQL is unavailable: {error}", part="postgresql") from error
            raise
