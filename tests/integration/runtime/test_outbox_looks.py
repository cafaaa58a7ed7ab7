"""A look at the outbox costs what is in it, though an old snapshot keeps every row that was deleted since."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from paykit.kafka.leading import Lead
from paykit.postgres import connecting, outbox
from paykit.process.runtime import Runtime
from paykit.testing import databases, runtimes
from tests import probe
from tests.faults.mock_cluster import MockCluster, mock_cluster
from tests.integration.runtime.relaying import KEYS, WAIT_S, Arrivals, put, relaying, until_nothing_is_left
from tests.line import books
from tests.line.waiting import until

TOPIC = "payment.events"
ROWS = 20_000
FEW_BLOCKS = 20
_FILL = """
INSERT INTO outbox (topic, key, event_id, event_type, dataschema, occurred_at, value, header_names, header_values)
SELECT $2, n::text, '', '', '', now(), '0', '{}', '{}' FROM generate_series(1, $1::integer) n
"""
_BEHIND = """
INSERT INTO outbox (id, topic, key, event_id, event_type, dataschema, occurred_at, value, header_names, header_values)
OVERRIDING SYSTEM VALUE SELECT 5, $1, $2, '', '', '', now(), '0', '{}', '{}'
"""


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(TOPIC, partitions=6) as cluster:
        yield cluster


@pytest.fixture
async def runtime(probe_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    async with runtimes.runtime(probe.SERVICE, probe_url, cache_dir=tmp_path) as runtime:
        yield runtime


@pytest.fixture
async def kept(probe_template: str, probe_url: str) -> AsyncIterator[books.Books]:
    async with books.opened(databases.admin_url_of(probe_template, probe_url)) as kept:
        yield kept


@asynccontextmanager
async def connected(runtime: Runtime) -> AsyncIterator[Any]:
    connection = await connecting.connect(runtime.database.url, "probe")
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def old_snapshot(runtime: Runtime, kept: books.Books) -> AsyncIterator[None]:
    """See the outbox as it is now for as long as the block lasts, as a dump does."""
    async with connected(runtime) as dumping, dumping.transaction(isolation="repeatable_read", readonly=True):
        await dumping.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await dumping.fetch("SELECT count(*) FROM outbox")
        yield


async def blocks(connection: Any, sql: str, *args: int) -> int:
    """Count the pages that a statement touches."""
    for number, arg in enumerate(args, start=1):
        sql = sql.replace(f"${number}", str(arg))
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"))[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def settled_id(kept: books.Books) -> int:
    rows = await kept.rows("SELECT settled_id FROM probe.outbox_position")
    return int(rows[0][0]) if rows else -1


async def last_id(kept: books.Books) -> int:
    return await kept.number("SELECT last_value FROM probe.outbox_id_seq")


async def until_settled(kept: books.Books) -> int:
    """Wait until the relay has told that nothing up to the last id is left, or can come."""

    async def all_is_settled() -> bool:
        return await settled_id(kept) == await last_id(kept)

    await until(all_is_settled, seconds=WAIT_S)
    return await settled_id(kept)


async def test_what_was_deleted_is_behind_the_relay_while_an_old_snapshot_keeps_it(
    runtime: Runtime, kept: books.Books, cluster: MockCluster
) -> None:
    async with connected(runtime) as working:
        await working.execute(_FILL, ROWS, TOPIC)
        async with old_snapshot(runtime, kept):
            async with relaying(runtime, cluster):
                await until_nothing_is_left(runtime)
                settled = await until_settled(kept)
            await working.execute(_FILL, 1, TOPIC)
            # Twice, for the first look would mark what is dead to all, if it was.
            from_begin = [await blocks(working, outbox.SELECT_KEYS, -1, 1000) for _ in range(2)][1]
            assert from_begin > ROWS / 100
            assert await blocks(working, outbox.SELECT_KEYS, settled, 1000) < FEW_BLOCKS
            assert await blocks(working, outbox.SELECT_DEPTH, 1000, settled) < FEW_BLOCKS


async def test_a_row_that_commits_late_is_waited_for_and_sent(
    runtime: Runtime, kept: books.Books, cluster: MockCluster
) -> None:
    arrivals = Arrivals(cluster, TOPIC)
    async with connected(runtime) as writing, relaying(runtime, cluster):
        transaction = writing.transaction()
        await transaction.start()
        await writing.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await writing.execute(_FILL, 1, TOPIC)
        late_id = await last_id(kept)
        await put(runtime, TOPIC, range(1))
        await arrivals.until(TOPIC, range(1), KEYS)
        await until_nothing_is_left(runtime)
        await asyncio.sleep(1.0)  # Who writes is asked for several times.
        assert await settled_id(kept) < late_id
        await transaction.commit()
        await arrivals.until(TOPIC, range(1), ["1"])
        await until_settled(kept)
    arrivals.close()


async def test_the_next_leader_begins_where_the_last_one_had_come_to_and_finds_what_was_put_behind(
    runtime: Runtime, kept: books.Books, cluster: MockCluster
) -> None:
    arrivals = Arrivals(cluster, TOPIC)
    async with relaying(runtime, cluster):
        await put(runtime, TOPIC, range(1))
        await until_settled(kept)
    async with connected(runtime) as writing:
        await writing.execute(_BEHIND, TOPIC, "behind")
    async with relaying(runtime, cluster):
        await arrivals.until(TOPIC, range(1), ["behind", *KEYS])
        await until_nothing_is_left(runtime)
    # Ids begin anew, as nobody but an administrator can have it.
    await kept.rows("ALTER SEQUENCE probe.outbox_id_seq RESTART WITH 1")
    async with relaying(runtime, cluster):
        await put(runtime, TOPIC, range(1, 2))
        await arrivals.until(TOPIC, range(2), KEYS)
        await until_nothing_is_left(runtime)
    arrivals.close()


async def test_a_new_leader_gives_up_looking_through_many_dead_rows(
    runtime: Runtime, kept: books.Books, cluster: MockCluster
) -> None:
    async with connected(runtime) as working, connected(runtime) as leading:
        await working.execute(_FILL, ROWS, TOPIC)
        await kept.rows("INSERT INTO probe.outbox_position (settled_id) SELECT max(id) FROM probe.outbox")
        async with old_snapshot(runtime, kept):
            await kept.rows("DELETE FROM probe.outbox")
            await put(runtime, TOPIC, range(1), KEYS[:1])
            lead = Lead(leading, schema="probe", bootstrap=cluster.bootstrap, first_look_ms=1)
            await lead.prepare()

            async def nothing_is_left() -> bool:
                await lead.round()
                return not await kept.rows("SELECT FROM probe.outbox")

            await until(nothing_is_left, seconds=WAIT_S)
            await lead.close()
