"""Partitions are made and dropped beside those who use their table."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from paykit.postgres.database import Tx
from paykit.postgres.partitions import time_partitions
from paykit.postgres.partitions.time_partitions import LOCK_TIMEOUTS_MS, Clocks
from paykit.process.runtime import Runtime
from paykit.process.runtime_jobs import housekeeping
from paykit.serve.idempotency import CLAIMS
from paykit.testing import databases

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def keep(runtime: Runtime, now: datetime) -> time_partitions.Kept:
    return await time_partitions.keep(runtime.database, CLAIMS, clocks=Clocks(database=now, process=now, business=now))


async def partitions(runtime: Runtime) -> list[str]:
    sql = "SELECT name FROM time_partition WHERE parent = 'idempotency_claim' AND name < 'idempotency_claim_202606'"
    return [row["name"][-4:] for row in await runtime.read(lambda tx: tx.fetch(f"{sql} ORDER BY 1"))]


async def claim_at(runtime: Runtime, day: datetime) -> None:
    sql = (
        "INSERT INTO idempotency_claim (caller, method, request_id, day, request_hash, reply) "
        "VALUES ('a', 'Count', gen_random_uuid(), $1, '', '')"
    )
    await runtime.transaction(lambda tx: tx.run(sql, day.date()))


@asynccontextmanager
async def reading(admin_url: str) -> AsyncIterator[None]:
    """A reader of the whole database, as pg_dump is."""
    connection = await asyncpg.connect(admin_url)
    transaction = connection.transaction(isolation="repeatable_read", readonly=True)
    await transaction.start()
    await connection.fetch("SELECT FROM probe.idempotency_claim")
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


@pytest.fixture
def admin_url(probe_template: str, probe_url: str) -> str:
    return databases.admin_url_of(probe_template, probe_url)


async def test_days_are_made_ahead_and_dropped_when_old(runtime: Runtime) -> None:
    kept = await keep(runtime, NOON)
    assert (kept.missing, kept.overdue) == (0, timedelta())
    assert await partitions(runtime) == ["0301", "0302", "0303", "0304"]
    await claim_at(runtime, NOON)
    await keep(runtime, NOON + timedelta(hours=35))
    assert await partitions(runtime) == ["0301", "0302", "0303", "0304", "0305"]
    assert len(await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_claim"))) == 1
    await keep(runtime, NOON + timedelta(hours=36))
    assert await partitions(runtime) == ["0302", "0303", "0304", "0305", "0306"]
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_claim")) == []


async def test_processes_that_keep_them_at_once_do_it_once(runtime: Runtime) -> None:
    await asyncio.gather(*(keep(runtime, NOON) for _ in range(4)))
    assert await partitions(runtime) == ["0301", "0302", "0303", "0304"]
    await asyncio.gather(*(keep(runtime, NOON + timedelta(days=3)) for _ in range(4)))
    assert await partitions(runtime) == ["0303", "0304", "0305", "0306", "0307"]


async def test_a_long_reader_delays_what_is_dropped_and_no_writer(runtime: Runtime, admin_url: str) -> None:
    await keep(runtime, NOON)
    async with reading(admin_url):
        keeping = asyncio.create_task(keep(runtime, NOON + timedelta(hours=40)))
        written = 0
        while not keeping.done():
            await claim_at(runtime, NOON + timedelta(hours=40))
            written += 1
        kept = keeping.result()
        assert written > len(LOCK_TIMEOUTS_MS)
        # The first could have gone 4 h ago. Two days are not there yet, as the reader has the default partition too.
        assert (kept.missing, kept.overdue) == (2, timedelta(hours=4))
        assert await partitions(runtime) == ["0301", "0302", "0303", "0304"]
    kept = await keep(runtime, NOON + timedelta(hours=40))
    assert (kept.missing, kept.overdue) == (0, timedelta())
    assert await partitions(runtime) == ["0302", "0303", "0304", "0305", "0306"]


async def test_old_rows_of_the_default_partition_go_some_at_a_time(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_partitions, "DEFAULT_ROWS_MAX", 2)
    for _ in range(3):
        await claim_at(runtime, NOON)
    await claim_at(runtime, NOON + timedelta(days=1))
    kept = await keep(runtime, NOON + timedelta(days=2))
    assert (kept.missing, kept.more) == (0, True)
    assert (await keep(runtime, NOON + timedelta(days=2))).more is False
    [row] = await runtime.read(lambda tx: tx.fetch("SELECT day, tableoid::regclass::text FROM idempotency_claim"))
    assert (row[0].day, row[1]) == (2, "idempotency_claim_default")


async def test_the_service_drops_nothing_that_is_not_old_and_no_other_table(runtime: Runtime, admin_url: str) -> None:
    await keep(runtime, NOON)
    drop = "SELECT drop_time_partition($1, $2, $3)"

    async def dropped(parent: str, name: str) -> Any:
        return await runtime.transaction(lambda tx: tx.fetch(drop, parent, name, NOON.date()))

    await dropped("idempotency_claim", "idempotency_claim_20260301")
    await dropped("idempotency_claim", "counter")
    await dropped("inbox", "idempotency_claim_20260301")
    assert await partitions(runtime) == ["0301", "0302", "0303", "0304"]
    connection = await asyncpg.connect(admin_url)
    await connection.execute("REVOKE DELETE ON probe.idempotency_claim FROM paystream_probe")
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await dropped("idempotency_claim", "idempotency_claim_20260301")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await runtime.transaction(lambda tx: tx.fetch("DROP TABLE idempotency_claim_20260301"))


async def test_the_state_of_the_partitions_is_shown(runtime: Runtime) -> None:
    def shown(name: str, table: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"service": "probe", "table": table})

    async def date_ahead(tx: Tx) -> None:
        await tx.run("INSERT INTO inbox (day, handler, event_id) VALUES ($1, 'h', 'e')", tx.now.date())

    await runtime.transaction(date_ahead)
    assert await housekeeping.keep_partitions(runtime) is False
    assert shown("paystream_partitions_missing", "idempotency_claim") == 0
    assert shown("paystream_partitions_missing", "inbox") == 1
    assert shown("paystream_partition_overdue_seconds", "idempotency_claim") == 0
