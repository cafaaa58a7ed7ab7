"""Row (n): what a payment leaves on disk and writes to the log ahead (WAL), in each service that keeps rows of it.

Each service works alone, as its own process, on a fresh database: the payment service from `CreatePayment` until the
simulated acquirer has charged, the ledger, settlement and analytics on what they consume. Nothing depends on the clock.

Disk is what tables, indexes and their large values have grown by, free space in pages included. Rows that change leave
room behind, which later ones take once it was vacuumed: so the payment service works in PARTS with a VACUUM after each,
and what it has after the first is left out. What is dropped by the day or deleted once it was sent (replies to calls,
ids of events, the outbox) is told apart, as passing. WAL is what the service's own sessions have written, full pages
after checkpoints included; vacuum is nobody's session.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from bench import calls, captures, children, settling
from bench.figures import Figures
from bench.ground import Ground, Plot, connected, plot
from paykit.errors import InvariantError

TOLD_WITHIN_S = 11.0
"""PostgreSQL has an idle session tell of what it wrote within 10 s."""
LOOK_EVERY_S = 0.2
DONE_S_MAX = 180.0
IN_FLIGHT = 64
PARTS = 4
TOPIC = "payment.events"

# Partitions by day begin with the name of their table.
_DISK = """
SELECT coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE NOT passing), 0)::bigint AS kept,
    coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE passing), 0)::bigint AS passing
FROM (SELECT oid, relname ~ '^(outbox|idempotency|inbox)' AS passing FROM pg_class
      WHERE relnamespace = $1::regnamespace AND relkind = 'r') AS tables
"""
# A session's own count ends with it, so it is looked at again and again.
_WAL = """
SELECT pid, (pg_stat_get_backend_wal(pid)).wal_bytes::bigint AS written
FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()
"""
_PAID = """
SELECT count(*) FILTER (WHERE state = 'SUCCEEDED') = $1 AND NOT EXISTS (SELECT FROM outbox) FROM payment
"""
_BOOKED = "SELECT count(*) = $1 AND NOT EXISTS (SELECT FROM outbox) FROM transaction"
_SETTLED = "SELECT coalesce(sum(item_count), 0) = $1 AND NOT EXISTS (SELECT FROM outbox) FROM settlement"
_COUNTED = "SELECT coalesce(sum(count), 0) = $1 FROM figure WHERE measure = 'CAPTURED'"


@dataclass(slots=True)
class Watched:
    """A service at work on its database.

    Attributes:
        kept, passing: Bytes on disk where counting began.
        written: Bytes of WAL by the process id of each session, as last seen.
        written_before: Of that, when counting began.
    """

    name: str
    connection: asyncpg.Connection
    kept: int = 0
    passing: int = 0
    written: dict[int, int] = field(default_factory=dict)
    written_before: int = 0

    async def until(self, condition: str, *args: object) -> None:
        """Wait until a condition in SQL is true.

        Raises:
            TimeoutError: It was not within DONE_S_MAX.
        """
        give_up = time.monotonic() + DONE_S_MAX
        while True:
            done = await self.connection.fetchval(condition, *args)
            await self._look()
            if done:
                return
            if time.monotonic() > give_up:
                raise TimeoutError(f"{self.name} was not done within {DONE_S_MAX:.0f} s")
            await asyncio.sleep(LOOK_EVERY_S)

    async def told(self) -> None:
        """Wait until the sessions have told of all that they wrote; the service is still there."""
        end = time.monotonic() + TOLD_WITHIN_S
        while time.monotonic() < end:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        for pid, written in await self.connection.fetch(_WAL, f"paystream_{self.name}"):
            self.written[pid] = max(written, self.written.get(pid, 0))

    async def begin(self) -> None:
        """Begin to count from here on."""
        self.kept, self.passing = await _disk(self.connection, self.name)
        self.written_before = sum(self.written.values())

    async def per_payment(self, payments: int) -> Figures:
        """Return the bytes for each of so many payments since `begin`, by figure."""
        if not (written := sum(self.written.values()) - self.written_before):
            raise InvariantError(f"no session of {self.name} was seen to write")
        kept, passing = await _disk(self.connection, self.name)
        return {
            f"{self.name}_disk_b": (kept - self.kept) / payments,
            f"{self.name}_passing_b": (passing - self.passing) / payments,
            f"{self.name}_wal_b": written / payments,
        }


async def measure(ground: Ground, *, payments: int) -> Figures:
    """Measure each service over this many payments of `calls.MERCHANTS` merchants; bytes a payment.

    Raises:
        TimeoutError: A service was not done in time.
    """
    return {
        **await _payment(ground, payments),
        **await _captured(ground, "accounting", _BOOKED, payments),
        **await _settlement(ground, payments),
        **await _captured(ground, "analytics", _COUNTED, payments),
    }


async def _payment(ground: Ground, payments: int) -> Figures:
    """Measure the payment service."""
    async with plot(ground) as own, watched(own, "payment") as seen:
        await pay(own, seen, payments)
        return await seen.per_payment(payments // PARTS * (PARTS - 1))


async def pay(own: Plot, seen: Watched, payments: int) -> None:
    """Have payments made, and count from the second part on: 64 calls at a time, a simulated acquirer charges.

    Raises:
        TimeoutError: The service was not done in time.
    """
    merchants = await calls.know_merchants(own)
    channel = children.free_address()
    async with (
        children.service(own, "channel", grpc_address=channel),
        children.service(own, "payment", channel_address=channel) as address,
    ):
        step = calls.step(address, f"{calls.PAYMENT}/CreatePayment", merchants, IN_FLIGHT, DONE_S_MAX)
        for part in range(PARTS):
            if part == 1:
                await seen.told()
                await seen.begin()
            await children.load([{**step, "calls_max": payments // PARTS}], seconds_max=DONE_S_MAX + 30)
            await seen.until(_PAID, payments // PARTS * (part + 1))
            await seen.connection.execute("VACUUM")
        await seen.told()


async def _captured(ground: Ground, name: str, done: str, payments: int) -> Figures:
    """Measure a service that consumes captures."""
    names = captures.merchant_ids(calls.MERCHANTS)
    async with plot(ground) as own, watched(own, name) as seen:
        messages = await captures.encode(own, captures.make(payments, merchants=names))
        await asyncio.to_thread(captures.produce, ground.endpoints.kafka, own.prefix + TOPIC, messages)
        async with children.service(own, name):
            await seen.until(done, payments)
            await seen.told()
        return await seen.per_payment(payments)


async def _settlement(ground: Ground, transactions: int) -> Figures:
    """Measure settlement: a transaction is what the ledger books of a payment."""
    async with plot(ground) as own, watched(own, "settlement") as seen:
        await settling.produce(own, captures.merchant_ids(calls.MERCHANTS), transactions)
        async with children.service(own, "settlement"):
            await seen.until(_SETTLED, transactions)
            await seen.told()
        return await seen.per_payment(transactions)


@asynccontextmanager
async def watched(own: Plot, name: str) -> AsyncIterator[Watched]:
    """Watch a service at work on a fresh database."""
    async with connected(own.admin_url, schema=name) as connection:
        seen = Watched(name, connection)
        await seen.begin()
        yield seen


async def _disk(connection: asyncpg.Connection, schema: str) -> tuple[int, int]:
    """Return the bytes of what is kept and of what passes."""
    row = await connection.fetchrow(_DISK, schema)
    return row["kept"], row["passing"]
