"""A PostgreSQL that has gone silent, or takes no writes any more, holds nothing up for ever."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paykit.base.errors import CommitUnknownError, DefectError, UnavailableError
from paykit.postgres import connecting
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from tests import probe
from tests.integration.runtime.wire import Wire, runtime_over_wire

WAIT_S_MAX = 30.0
"""How long what must end may take on a slow machine; each bound under test is far below."""


@pytest.fixture(autouse=True)
def _short_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "COMMAND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(connecting, "END_TIMEOUT_S", 0.2)


@pytest.fixture
async def wired(probe_url: str, tmp_path: Path) -> AsyncIterator[tuple[Runtime, Wire]]:
    """A runtime that has used its connection, and the wire that this leads over."""
    async with runtime_over_wire(probe.SERVICE, probe_url, cache_dir=tmp_path) as (runtime, wire):
        await runtime.transaction(_ask)
        yield runtime, wire


async def _ask(tx: Tx) -> int:
    return int((await tx.fetch("SELECT 1"))[0][0])


async def test_a_statement_that_is_not_answered_ends_as_unavailable(wired: tuple[Runtime, Wire]) -> None:
    runtime, wire = wired
    wire.fall_silent()

    async with asyncio.timeout(WAIT_S_MAX):
        with pytest.raises(UnavailableError):
            await runtime.transaction(_ask)


async def test_everything_goes_on_when_the_server_is_heard_again(wired: tuple[Runtime, Wire]) -> None:
    runtime, wire = wired
    wire.fall_silent()
    with pytest.raises(UnavailableError):
        await runtime.transaction(_ask)

    wire.release()

    assert await runtime.transaction(_ask) == 1


async def test_a_cancelled_transaction_ends(wired: tuple[Runtime, Wire]) -> None:
    runtime, wire = wired
    begun = asyncio.Event()

    async def work(tx: Tx) -> int:
        wire.fall_silent()
        begun.set()
        return await _ask(tx)

    task = asyncio.create_task(runtime.transaction(work))
    await begun.wait()
    task.cancel()

    async with asyncio.timeout(WAIT_S_MAX):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_closing_ends_whether_the_server_says_farewell_or_not(wired: tuple[Runtime, Wire]) -> None:
    runtime, wire = wired
    wire.fall_silent()

    async with asyncio.timeout(WAIT_S_MAX):
        await runtime.close()


async def test_a_commit_that_is_not_answered_is_told_as_unknown(wired: tuple[Runtime, Wire]) -> None:
    runtime, wire = wired
    wire.hold_next("COMMIT")

    async with asyncio.timeout(WAIT_S_MAX):
        with pytest.raises(CommitUnknownError):
            await runtime.transaction(_ask)


async def test_wakeups_notice_that_nothing_is_heard(
    wired: tuple[Runtime, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paykit.postgres.wakeups.PING_S", 0.1)
    monkeypatch.setattr("paykit.postgres.wakeups.PING_TIMEOUT_S", 0.2)
    runtime, wire = wired
    woken = runtime.wakeups.event("work")
    running = asyncio.create_task(runtime.wakeups.run())
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            await woken.wait()  # Whoever connects wakes everybody.
            woken.clear()
            wire.fall_silent()
            await asyncio.sleep(1.0)
            wire.release()
            await woken.wait()
    finally:
        running.cancel()


async def test_a_swallowed_error_is_not_committed(wired: tuple[Runtime, Wire]) -> None:
    runtime, _ = wired

    async def work(tx: Tx) -> None:
        try:
            await tx.fetch("SELECT 1 / 0")
        except Exception:  # noqa: BLE001 - what is tested
            return

    with pytest.raises(DefectError, match="ROLLBACK"):
        await runtime.transaction(work)


async def test_a_session_to_a_server_that_takes_no_writes_any_more_is_dropped(wired: tuple[Runtime, Wire]) -> None:
    runtime, _ = wired

    async def demote(tx: Tx) -> None:
        await tx.fetch("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    for _ in range(runtime.settings.database_pool_max):
        await runtime.transaction(demote)
    with pytest.raises(UnavailableError):
        await runtime.transaction(_insert)
    await runtime.transaction(_insert)


async def _insert(tx: Tx) -> None:
    await tx.run("DELETE FROM outbox WHERE false")
