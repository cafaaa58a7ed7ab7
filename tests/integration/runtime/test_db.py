"""Transactions on a real PostgreSQL: what they leave behind when they are cancelled, cut off or taken back."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from paykit.base.errors import CommitUnknownError, DefectError, UnavailableError
from paykit.postgres import database as db
from paykit.postgres.batches.emitted import EVENT_BYTES_MAX
from paykit.postgres.database import Tx
from paykit.postgres.lanes import FAST
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from tests import probe
from tests.integration.runtime.sessions import count_open_transactions, end_connections
from tests.integration.runtime.wire import Loss, runtime_over_wire


async def one(tx: Tx) -> int:
    return int((await tx.fetch("SELECT 1 AS one"))[0]["one"])


async def fill_pool(runtime: Runtime) -> None:
    connections = runtime.settings.database_pool_max
    await asyncio.gather(
        *(runtime.transaction(lambda tx: tx.fetch("SELECT pg_sleep(0.02)")) for _ in range(connections))
    )


async def test_a_connection_that_ended_in_the_pool_is_replaced_unnoticed(runtime: Runtime, probe_template: str) -> None:
    await fill_pool(runtime)
    await end_connections(probe_template, runtime)
    await asyncio.sleep(0.1)
    for _ in range(runtime.settings.database_pool_max):
        assert await runtime.transaction(one) == 1


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT"])
async def test_a_transaction_cancelled_anywhere_stays_cancelled_and_leaves_a_clean_pool(
    probe_url: str, probe_template: str, tmp_path: Path, statement: str
) -> None:
    async with runtime_over_wire(probe.SERVICE, probe_url, cache_dir=tmp_path) as (runtime, wire):
        await runtime.transaction(one)
        wire.hold_next(statement)
        task = asyncio.create_task(runtime.transaction(one))
        await wire.holding.wait()
        task.cancel()
        wire.release()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count_open_transactions(probe_template, runtime) == 0
        assert await runtime.transaction(one) == 1


async def test_every_connection_carries_the_bounds_and_the_schema(runtime: Runtime) -> None:
    async def settings(tx: Tx) -> dict[str, str]:
        names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "search_path", "TimeZone"]
        rows = await tx.fetch("SELECT n, current_setting(n) AS value FROM unnest($1::text[]) n", names)
        return {row["n"]: row["value"] for row in rows}

    assert await runtime.transaction(settings) == {
        "statement_timeout": "30s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
        "search_path": "probe",
        "TimeZone": "UTC",
    }


async def test_jsonb_is_written_as_text_and_read_as_what_it_says(runtime: Runtime) -> None:
    async def there_and_back(tx: Tx) -> list[object]:
        [row] = await tx.fetch("SELECT $1::jsonb AS one, $2::jsonb[] AS some", '{"EUR": 5}', ["[1]", "null"])
        return [row["one"], row["some"]]

    assert await runtime.transaction(there_and_back) == [{"EUR": 5}, [[1], None]]


async def test_a_fast_lane_s_lock_timeout_ends_with_its_transaction(runtime: Runtime) -> None:
    async def lock_timeout(tx: Tx) -> str:
        return str((await tx.fetch("SHOW lock_timeout"))[0]["lock_timeout"])

    assert await runtime.database.transaction(lock_timeout, lane=FAST) == "50ms"
    assert await runtime.database.transaction(lock_timeout) == "2s"


async def test_a_reading_transaction_cannot_write(runtime: Runtime) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await runtime.read(lambda tx: tx.run("INSERT INTO counter VALUES ('a', 1)"))


async def test_the_service_s_role_cannot_change_or_own_tables(runtime: Runtime) -> None:
    for statement in (
        "CREATE TABLE mine (a int)",
        "ALTER TABLE counter ADD COLUMN more int",
        "DROP TABLE counter",
        "TRUNCATE counter",
        "SET ROLE paystream_probe_owner",
        "CREATE TABLE public.mine (a int)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.transaction(lambda tx, sql=statement: tx.run(sql))  # type: ignore[misc]


async def test_what_a_savepoint_takes_back_is_gone_however_deep_it_failed(runtime: Runtime) -> None:
    kept, inner = probe.payment_created(probe.new_payment_id()), probe.payment_created(probe.new_payment_id())

    async def fail_inside(tx: Tx) -> None:
        async with tx.savepoint():
            raise RuntimeError("inner")

    async def fail_outside(tx: Tx) -> None:
        async with tx.savepoint():
            tx.hold(inner.payment_id)
            tx.emit(inner, cause=probe.CAUSE)
            await tx.run("INSERT INTO counter VALUES ('before', 1)")
            with pytest.raises(RuntimeError, match="inner"):
                await fail_inside(tx)
            await tx.run("INSERT INTO counter VALUES ('after', 1)")
            raise RuntimeError("outer")

    async def work(tx: Tx) -> None:
        tx.hold(kept.payment_id)
        tx.emit(kept, cause=probe.CAUSE)
        with pytest.raises(RuntimeError, match="outer"):
            await fail_outside(tx)
        with pytest.raises(DefectError):
            tx.emit(inner, cause=probe.CAUSE)

    await runtime.transaction(work)
    assert await runtime.read(lambda tx: tx.fetch("SELECT name FROM counter")) == []
    assert [row["key"] for row in await outbox_events(runtime)] == [kept.payment_id]


async def test_an_event_under_a_key_that_is_not_held_is_refused(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        tx.emit(probe.payment_created("pay_1"), cause=probe.CAUSE)

    with pytest.raises(DefectError, match="does not hold"):
        await runtime.transaction(work)


async def test_an_event_beyond_the_bound_fails_the_call_that_emits_it(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        payment_id = "p" * (EVENT_BYTES_MAX + 1)
        tx.hold(payment_id)
        tx.emit(probe.payment_created(payment_id), cause=probe.CAUSE)

    with pytest.raises(DefectError, match="exceeds"):
        await runtime.transaction(work)


async def test_a_deadlock_is_run_again_and_both_succeed(runtime: Runtime) -> None:
    await runtime.transaction(lambda tx: tx.run("INSERT INTO counter VALUES ('a', 0), ('b', 0)"))
    both = asyncio.Barrier(2)
    one_succeeded = asyncio.Event()
    tries: list[str] = []

    async def add(tx: Tx, first: str, second: str) -> None:
        tries.append(first)
        if len(tries) > 2:
            await one_succeeded.wait()  # Else the two can meet again, and the count of tries would be chance.
        await tx.run("UPDATE counter SET value = value + 1 WHERE name = $1", first)
        if len(tries) <= 2:
            await both.wait()
        await tx.run("UPDATE counter SET value = value + 1 WHERE name = $1", second)

    async def run(first: str, second: str) -> None:
        await runtime.transaction(lambda tx: add(tx, first, second))
        one_succeeded.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(run("a", "b"))
        group.create_task(run("b", "a"))
    assert len(tries) == 3
    rows = await runtime.read(lambda tx: tx.fetch("SELECT value FROM counter ORDER BY name"))
    assert [row["value"] for row in rows] == [2, 2]


async def test_a_server_that_is_not_there_is_unavailable(runtime: Runtime) -> None:
    absent = db.Database(
        url="postgresql://nobody@127.0.0.1:1/none",
        schema="probe",
        clock=runtime.clock,
        codec=runtime.codec,
        connections_max=1,
    )
    with pytest.raises(UnavailableError):
        await absent.transaction(one)
    await absent.close()


@pytest.mark.parametrize(("loss", "written"), [("request", 0), ("answer", 1)])
async def test_a_lost_commit_is_told_apart_from_one_that_never_was(
    probe_url: str, tmp_path: Path, loss: Loss, written: int
) -> None:
    async with runtime_over_wire(probe.SERVICE, probe_url, cache_dir=tmp_path) as (runtime, wire):
        wire.lose_next(loss)
        with pytest.raises(CommitUnknownError):
            await runtime.transaction(lambda tx: tx.run("INSERT INTO counter VALUES ('a', 1)"))
        assert wire.lost == 1
        assert len(await runtime.read(lambda tx: tx.fetch("SELECT FROM counter"))) == written


async def test_what_is_to_be_called_after_the_commit_is_called_once_and_only_where_it_was_committed(
    runtime: Runtime,
) -> None:
    called: list[str] = []
    runs = 0

    async def work(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        tx.after_commit.append(lambda: called.append("kept"))
        async with tx.savepoint() as savepoint:
            tx.after_commit.append(lambda: called.append("taken back"))
            savepoint.undone_at_end = True
        if runs == 1:
            raise asyncpg.SerializationError
        assert called == []

    async def fail(tx: Tx) -> None:
        tx.after_commit.append(lambda: called.append("failed"))
        raise ZeroDivisionError

    await runtime.transaction(work)
    with pytest.raises(ZeroDivisionError):
        await runtime.transaction(fail)
    assert (runs, called) == (2, ["kept"])
