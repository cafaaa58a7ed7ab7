"""The stored distance of business time from real time, and who may start with one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from paykit.base.config import ConfigurationError
from paykit.clock import OffsetClock, SystemClock
from paykit.errors import RequestIdReused
from paykit.process import business_clock, clock_rpc
from paykit.process.business_clock import OFFSET_MAX, ClockTooFar
from paykit.process.runtime import Runtime
from paykit.testing import databases, runtimes
from paystream.clock.v1 import clock_pb2 as pb
from paytools.localstack import Endpoints
from tests import probe
from tests.line import books
from tests.line.waiting import until

HOUR = timedelta(hours=1)
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


@asynccontextmanager
async def on_real_time(url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A process's runtime, whose clock is that of the machine and what it was moved by."""
    clock = OffsetClock(SystemClock())
    async with runtimes.runtime(probe.SERVICE, url, cache_dir=tmp_path, clock=clock) as made:
        made.settings = made.settings.model_copy(update={"environment": "development"})
        yield made


def offset(runtime: Runtime) -> timedelta:
    assert isinstance(runtime.clock, OffsetClock)
    return runtime.clock.offset


def request(request_id: str, by: timedelta) -> pb.AdvanceClockRequest:
    made = pb.AdvanceClockRequest(request_id=request_id)
    made.advance_by.FromTimedelta(by)
    return made


async def test_steps_add_up_and_one_that_goes_too_far_is_refused_alone(runtime: Runtime) -> None:
    steps = [HOUR, OFFSET_MAX, 2 * HOUR]
    results = await runtime.transaction(lambda tx: business_clock.advance(tx, steps))
    assert results[0] == HOUR
    assert isinstance(results[1], ClockTooFar)
    assert results[1].metadata == {
        "offset_s": "3600.0",
        "advance_by_s": "316224000.0",
        "offset_max_s": "316224000.0",
    }
    assert results[2] == 3 * HOUR
    assert await runtime.transaction(lambda tx: business_clock.advance(tx, [HOUR])) == [4 * HOUR]


async def test_a_repeated_request_moves_the_clock_once(probe_url: str, tmp_path: Path) -> None:
    runtimes.act_as("tester")
    async with on_real_time(probe_url, tmp_path) as runtime:
        servicer = clock_rpc.ClockServicer([runtime])
        for _ in range(2):
            moved = (await servicer.AdvanceClock(request(FIRST, 26 * HOUR), None)).clocks
            assert [(each.service, each.offset.ToTimedelta()) for each in moved] == [("probe", 26 * HOUR)]
        assert offset(runtime) == 26 * HOUR
        with pytest.raises(RequestIdReused):
            await servicer.AdvanceClock(request(FIRST, HOUR), None)
        await servicer.AdvanceClock(request(SECOND, HOUR), None)
        shown = (await servicer.GetClock(pb.GetClockRequest(), None)).clocks
        assert [each.offset.ToTimedelta() for each in shown] == [27 * HOUR]
        ahead = shown[0].business_time.ToDatetime() - SystemClock().now().replace(tzinfo=None)
        assert timedelta(hours=26, minutes=59) < ahead <= timedelta(hours=27)


async def test_every_transaction_sees_the_time_the_clock_was_moved_to(probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime:
        await runtime.transaction(lambda tx: business_clock.advance(tx, [26 * HOUR]))
        await runtime.business_clock.refresh()

        async def now(tx: object) -> timedelta:
            return tx.now - SystemClock().now()  # type: ignore[attr-defined, no-any-return]

        assert timedelta(hours=25, minutes=59) < await runtime.read(now) <= 26 * HOUR


async def test_a_process_that_starts_later_takes_over_the_stored_time(probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime:
        await runtime.transaction(lambda tx: business_clock.advance(tx, [HOUR]))
        later = Runtime(service=probe.SERVICE, settings=runtime.settings, codec=runtime.codec)
        try:
            await later.business_clock.start(later.settings.environment)
            assert offset(later) == HOUR
        finally:
            await later.close()


async def test_production_does_not_start_with_a_clock_that_was_moved(probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime:
        production = runtime.settings.model_copy(update={"environment": "production"})
        await refused_or_not(runtime, production_allows=True, production=production)
        await runtime.transaction(lambda tx: business_clock.advance(tx, [26 * HOUR]))
        await refused_or_not(runtime, production_allows=False, production=production)


async def refused_or_not(runtime: Runtime, *, production_allows: bool, production: object) -> None:
    made = Runtime(service=probe.SERVICE, settings=production, codec=runtime.codec)  # type: ignore[arg-type]
    try:
        if production_allows:
            await made.business_clock.start(made.settings.environment)
            return
        with pytest.raises(ConfigurationError, match=r"probe was moved forward by 1 day, 2:00:00.*development"):
            await made.business_clock.start(made.settings.environment)
        assert offset(made) == timedelta(0)
    finally:
        await made.close()


async def test_a_process_follows_another_that_moved_the_clock(probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime, on_real_time(probe_url, tmp_path) as other:

        async def followed() -> bool:
            return offset(other) == HOUR

        following = [asyncio.create_task(other.wakeups.run()), asyncio.create_task(other.business_clock.follow())]
        try:
            await runtime.transaction(lambda tx: business_clock.advance(tx, [HOUR]))
            await until(followed)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


async def test_a_schema_of_an_older_build_is_named(stack: Endpoints, probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime:
        admin = databases.admin_url_of(stack.postgres, probe_url)
        async with books.opened(admin) as kept:
            await kept.rows("DROP TABLE probe.schema_support")
        with pytest.raises(ConfigurationError, match="probe is older than this build: run `paystream db"):
            await runtime.prepare()


async def test_jobs_look_again_as_soon_as_the_clock_was_moved(probe_url: str, tmp_path: Path) -> None:
    async with on_real_time(probe_url, tmp_path) as runtime:
        job_wakeup = runtime.wakeups.event("expire")
        await runtime.business_clock.refresh()
        assert not job_wakeup.is_set()
        await runtime.transaction(lambda tx: business_clock.advance(tx, [HOUR]))
        await runtime.business_clock.refresh()
        assert job_wakeup.is_set()
