"""Half of what a process can take, then three times as much, and what became of it."""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.figures import percentile
from tests.faults.load_client import Step, Tally
from tests.line.processes import ROOT, ServiceProcess

IN_FLIGHT = 64
"""Calls at the same time while capacity is measured."""
DEADLINE_S = 5.0
OVERLOAD = 3.0
HALF = 0.5
MEMORY_EVERY_S = 0.5
CLIENT_ENDS_S_MAX = 120.0
"""Beyond the time of the load itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """What a process did at half of its capacity and at three times of it.

    Attributes:
        capacity_per_s: Calls acknowledged in a second with 64 at the same time.
        half: The load of half as many.
        over: The load of three times as many.
        memory_mib: Of the process, over the time of the overload.
    """

    capacity_per_s: float
    half: Tally
    over: Tally
    memory_mib: Sequence[float]

    @property
    def half_p99_ms(self) -> float:
        """Latency at half load, of 99 % of the calls."""
        return percentile(self.half.accepted_ms, 99)

    @property
    def over_p99_ms(self) -> float:
        """Latency of what was accepted under overload, of 99 % of the calls."""
        return percentile(self.over.accepted_ms, 99)

    @property
    def memory_growth(self) -> float:
        """The most memory of the last quarter, as a share of the most of the second quarter."""
        quarter = len(self.memory_mib) // 4
        return max(self.memory_mib[-quarter:]) / max(self.memory_mib[quarter : 2 * quarter])


async def run(
    process: ServiceProcess, merchants: Sequence[str], *, metadata: int, measure_s: float, over_s: float
) -> Overload:
    """Measure a process's capacity, then load it with half and with three times as much.

    Args:
        process: Answers the calls.
        merchants: Whose payments they are.
        metadata: Entries of each payment.
        measure_s: For how long capacity and half of it are measured.
        over_s: For how long it is asked for too much.
    """
    step = Step(
        address=process.address,
        merchants=list(merchants),
        calls_per_s=0,
        in_flight=IN_FLIGHT,
        seconds=measure_s,
        deadline_s=DEADLINE_S,
        metadata=metadata,
    )
    await _load(step)  # Warms the process up.
    alone = await _load(step)
    capacity = len(alone.accepted) / alone.seconds
    half = await _load(dataclasses.replace(step, calls_per_s=HALF * capacity))
    memory: list[float] = []
    watching = asyncio.create_task(_watch_memory(process, memory))
    try:
        over = await _load(dataclasses.replace(step, calls_per_s=OVERLOAD * capacity, seconds=over_s))
    finally:
        watching.cancel()
    return Overload(capacity_per_s=capacity, half=half, over=over, memory_mib=memory)


async def _watch_memory(process: ServiceProcess, seen: list[float]) -> None:
    watched = psutil.Process(process.pid)
    while True:
        seen.append(watched.memory_info().rss / 2**20)
        await asyncio.sleep(MEMORY_EVERY_S)


async def _load(step: Step) -> Tally:
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.load_client"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(step.seconds + CLIENT_ENDS_S_MAX):
            output, errors = await client.communicate(json.dumps(dataclasses.asdict(step)).encode())
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    assert client.returncode == 0, errors.decode(errors="replace")[-2_000:]
    return Tally(**json.loads(output))
