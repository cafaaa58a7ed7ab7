"""A row that a job cannot do costs nobody else, is told of, and is done when it can be."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from paykit.base.errors import UnavailableError
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.process import isolation
from paykit.process.runtime import Runtime

JOB = "add_to_counters"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the lines of many failing rows, with all that their errors show, from being written out."""
    with capture_logs():
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    name: str
    value: int


COUNTERS: Table[str, Counter] = Table(Counter, "counter", key="name", changing=("value",))


class Adding:
    """A job that adds one to counters that are 0; `bad` ones break it.

    Attributes:
        sizes: How many each of its transactions took.
    """

    def __init__(self, runtime: Runtime, *bad: str) -> None:
        self.runtime = runtime
        self.bad = set(bad)
        self.error: Exception = RuntimeError("crashed on purpose")
        self.sizes: list[int] = []

    async def add(self, tx: Tx) -> int:
        counters = await COUNTERS.claim_where(tx, "value = 0 ORDER BY name LIMIT $1", 100)
        self.sizes.append(len(counters))
        if self.bad & set(counters):
            raise self.error
        for counter in list(counters.values()):
            counters.put(Counter(name=counter.name, value=1))
        await tx.save(counters)
        return len(counters)

    async def run(self) -> int:
        self.sizes.clear()
        return sum(await self.runtime.isolated(JOB, self.add))

    async def left(self) -> list[str]:
        sql = "SELECT name FROM counter WHERE value = 0 ORDER BY name"
        return [row["name"] for row in await self.runtime.read(lambda tx: tx.fetch(sql))]


async def counters(runtime: Runtime, number: int) -> None:
    rows = [(f"n{at:03}", 0) for at in range(number)]
    await runtime.transaction(lambda tx: tx.copy("counter", ["name", "value"], rows))


def failing() -> Any:
    return REGISTRY.get_sample_value("paystream_job_rows_failing", {"service": "probe", "job_name": JOB})


async def test_one_bad_row_is_set_aside_told_of_and_the_others_are_done(runtime: Runtime) -> None:
    await counters(runtime, 64)
    job = Adding(runtime, "n010")
    with capture_logs() as logs:
        assert await job.run() == 63
    assert await job.left() == ["n010"]
    # All at once, again under its keys, and two halves for each of six divisions.
    assert len(job.sizes) == 1 + 1 + 2 * 6
    assert [(log["event"], log["job"], log["row"], log["failures"]) for log in logs] == [
        ("job_row_failed", JOB, "n010", 1)
    ]
    assert failing() == 1


async def test_a_failing_row_is_passed_by_until_its_pause_is_over_and_done_once_it_can_be(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "RETRY_PAUSE_FIRST_S", 3600.0)
    monkeypatch.setattr(isolation, "RETRY_PAUSE_MAX_S", 3600.0)
    await counters(runtime, 4)
    job = Adding(runtime, "n001")
    assert await job.run() == 3
    assert await job.run() == 0
    assert job.sizes == [0]  # Its transaction did not even take the bad one.
    job.bad.clear()
    assert await job.run() == 0
    assert runtime._failing(JOB).due() == []
    runtime._failing(JOB)._rows["n001"] = isolation.FailingRow(failures=1, retry_at_s=0.0)  # As if the pause were over.
    assert await job.run() == 1
    assert (await job.left(), failing()) == ([], 0)


def test_pauses_double_up_to_their_bound() -> None:
    rows = isolation.FailingRows(service="probe", job=JOB)
    with capture_logs() as logs:
        for _ in range(11):
            rows.set_aside("n001", RuntimeError())
    assert [log["retry_after_s"] for log in logs] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_bad_rows_ahead_of_the_others_do_not_fill_the_batch(runtime: Runtime) -> None:
    await counters(runtime, 130)
    job = Adding(runtime, *(f"n{at:03}" for at in range(15)))
    assert await job.run() == 85
    assert await job.run() == 30
    assert await job.left() == [f"n{at:03}" for at in range(15)]


async def test_where_every_row_fails_the_job_fails_and_tries_few(runtime: Runtime) -> None:
    await counters(runtime, 100)
    job = Adding(runtime, *(f"n{at:03}" for at in range(100)))
    with pytest.raises(RuntimeError):
        await job.run()
    assert failing() == isolation.FAILURES_PER_RUN_MAX
    assert len(job.sizes) < 60


async def test_infrastructure_that_is_missing_is_nobody_s_fault(runtime: Runtime) -> None:
    await counters(runtime, 4)
    job = Adding(runtime, "n001")
    job.error = UnavailableError("PostgreSQL is away")
    with pytest.raises(UnavailableError):
        await job.run()
    assert job.sizes == [4]
    job.bad.clear()
    assert await job.run() == 4


async def test_of_things_done_one_by_one_the_one_that_fails_holds_up_no_other(runtime: Runtime) -> None:
    done: list[str] = []

    async def do(channel: str) -> bool:
        if channel == "bad":
            raise RuntimeError("crashed on purpose")
        done.append(channel)
        await asyncio.sleep(0)
        return True

    assert await runtime.each("channels", ["a", "bad", "b"], do) == [True, True]
    assert await runtime.each("channels", ["bad", "c"], do) == [True]
    assert done == ["a", "b", "c"]
