"""`python -m bench.consuming settlement`: what the consuming side of a service costs for an event, without Kafka.

Batches of events of 1,000 merchants are read, applied and committed by the service's own code, one after another. The
time is that of this process's processor, and of the server's process of its connection, so that what else the machine
does counts for little. A figure of an event is what the batches after those to warm up took.
"""

import argparse
import asyncio
import gc
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import captures, settling
from bench.ground import connected, running_stack
from paykit.clock import SystemClock
from paykit.consume.delivery import Record
from paykit.consume.prepared import ReadyEvent
from paykit.errors import InvariantError
from paykit.events.codec import Event
from paykit.kafka import cloud_events
from paykit.postgres.database import Tx
from paykit.postgres.lanes import CONSUMING
from paykit.process.catalogue import load_service
from paykit.process.host import GC_THRESHOLDS
from paykit.process.runtime import Runtime
from paykit.testing import databases, runtimes

MERCHANTS = 1_000
WARM_BATCHES = 2
"""Before the clock starts: statements are prepared, and merchants have their rows."""
EVENTS = 100_000
EVENTS_MAX = 5_000_000
ROUNDS = 3
PARTITIONS = 6
THRESHOLD_MINOR = 10**12
"""What no merchant comes to: closing settlements is not measured here."""
_NS_PER_US = 1_000
_KIBI = 1024

_PIDS = "SELECT pid FROM pg_stat_activity WHERE usename = $1"
_HEADERS: list[tuple[str, bytes | None]] = [
    ("ce_id", b"evt_0198c0de0000700080000000000000000"),
    ("ce_time", b"2026-03-01T12:00:00+00:00"),
    ("ce_subject", b"pay_0198c0de0000700080000000000000000"),
    ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("ce_source", b"/paystream"),
    ("ce_specversion", b"1.0"),
    ("content-type", b"application/avro"),
]
_COMPACTOR = cloud_events.Compactor()


@dataclass(frozen=True, slots=True)
class ConsumingCost:
    """What an event costs: microseconds of a processor, and bytes of WAL."""

    reading_us: float
    applying_us: float
    postgresql_us: float
    wal_bytes: float


async def measure(template: str, service: str, events: int) -> ConsumingCost:
    """Consume events of 1,000 merchants on a fresh database.

    Args:
        template: A migrated database of the service.
        service: Its name, of those in TOPICS.
        events: How many, after those to warm up.

    Raises:
        InvariantError: Not every event was applied.
    """
    with tempfile.TemporaryDirectory() as home:
        async with (
            databases.database(template) as url,
            runtimes.runtime(load_service(service), url, cache_dir=Path(home), clock=SystemClock()) as runtime,
        ):
            return await _consume(runtime, databases.admin_url_of(template, url), service, events)


async def _consume(runtime: Runtime, admin_url: str, service: str, events: int) -> ConsumingCost:
    records_max = runtime.application.records_max(TOPICS[service])
    merchants = captures.merchant_ids(MERCHANTS)
    if service in FOLLOWS_MERCHANTS:
        await _apply(runtime, [_record(runtime, 0, settling.merchant(each, THRESHOLD_MINOR)) for each in merchants])
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    async with connected(admin_url, schema="public") as admin:
        reading_ns = applying_ns = applied = 0
        server_ns = wal_bytes = 0
        for batch, numbers in enumerate(_batches(events + WARM_BATCHES * records_max, records_max)):
            records = [_record(runtime, number, MAKE[service](number, merchants)) for number in numbers]
            if batch == WARM_BATCHES:
                server_ns, wal_bytes = await _server_ns(admin, service), await _wal(admin)
            read, applied_ns = await _apply(runtime, records)
            if batch >= WARM_BATCHES:
                reading_ns, applying_ns, applied = reading_ns + read, applying_ns + applied_ns, applied + len(records)
        server_ns, wal_bytes = await _server_ns(admin, service) - server_ns, await _wal(admin) - wal_bytes
    per_event = 1 / (_NS_PER_US * applied)
    return ConsumingCost(reading_ns * per_event, applying_ns * per_event, server_ns * per_event, wal_bytes / applied)


async def _apply(runtime: Runtime, records: Sequence[Record]) -> tuple[int, int]:
    """Read and apply a batch as a consumer does; the processor time of both in nanoseconds."""
    begin = time.thread_time_ns()
    prepared = [each for each in map(runtime.application.prepare, records) if each is not None]
    read = time.thread_time_ns()

    async def work(tx: Tx) -> int:
        return (await runtime.application.apply(tx, prepared)).applied

    applied = await runtime.database.transaction(work, lane=CONSUMING)
    end = time.thread_time_ns()
    if applied != len(records) or not all(isinstance(each, ReadyEvent) for each in prepared):
        raise InvariantError(f"{applied} of {len(records)} events were applied")
    return read - begin, end - read


def _batches(count: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def _record(runtime: Runtime, number: int, event: Any) -> Record:
    stamps = {"recorded_at": event.occurred_at, "correlation_id": "cor", "causation_id": "evt"}
    value = runtime.codec.encode(event, stamps=stamps)
    headers = _COMPACTOR.compact([*_HEADERS, ("ce_type", event.RECORD.encode())])
    return Record(event.TOPIC, number % PARTITIONS, number, getattr(event, event.KEY), value, headers)


def _transaction(number: int, merchants: Sequence[str]) -> Event:
    return settling.transaction(number, merchants[number % len(merchants)])


def _capture(number: int, merchants: Sequence[str]) -> Event:
    return captures.capture(number, merchants[number % len(merchants)], datetime.now(UTC))


TOPICS = {"accounting": "payment.events", "settlement": "accounting.events", "analytics": "payment.events"}
MAKE = {"accounting": _capture, "settlement": _transaction, "analytics": _capture}
FOLLOWS_MERCHANTS = frozenset({"settlement", "analytics"})


async def _server_ns(admin: Any, service: str) -> int:
    """Return the processor time of the server's processes of a service's connections."""
    return sum(_run_ns(row[0]) for row in await admin.fetch(_PIDS, f"paystream_{service}"))


def _run_ns(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])


async def _wal(admin: Any) -> int:
    return int(await admin.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


async def _run(server_url: str, service: str, *, rounds: int, events: int) -> Iterator[ConsumingCost]:
    template = await databases.make_template(server_url, [service])
    return iter([await measure(template, service, events) for _ in range(rounds)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.consuming", description=__doc__)
    parser.add_argument("service", choices=sorted(TOPICS))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"of each round, default {EVENTS:,}")
    parser.add_argument("--postgres", help="an administrator's URL of a server on this machine, in place of our own")
    options = parser.parse_args(arguments)
    if not 1 <= options.events <= EVENTS_MAX:
        parser.error(f"--events must be from 1 to {EVENTS_MAX:,}")
    console = Console()
    run = {"rounds": options.rounds, "events": options.events}
    if options.postgres:
        costs = asyncio.run(_run(options.postgres, options.service, **run))
    else:
        with running_stack(console) as endpoints:
            costs = asyncio.run(_run(endpoints.postgres, options.service, **run))
    _show(console, options.service, list(costs))
    return 0


def _show(console: Console, service: str, costs: Sequence[ConsumingCost]) -> None:
    table = Table(
        "round", "reading us", "applying us", "Python us", "PostgreSQL us", "WAL B", title=f"{service}, an event"
    )
    for number, cost in enumerate(costs, 1):
        values = (cost.reading_us, cost.applying_us, cost.reading_us + cost.applying_us, cost.postgresql_us)
        table.add_row(str(number), *(f"{value:.1f}" for value in values), f"{cost.wal_bytes:.0f}")
    console.print(table)
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIBI
    console.print(f"load average {os.getloadavg()[0]:.1f}, most memory {memory_mib:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
