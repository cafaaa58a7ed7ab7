"""`python -m bench.where`: whose processor time a payment takes, on its way through the ledger and when it is made.

The pipeline is row (b), run with few payments and with many: what the many took more is theirs, and starting is
nobody's. Calls and batches are those of row (c), beside the bare echo. Time is counted as Linux counts it, by
process and by kind of thread, and looked at while they run, as threads that have ended are not told of any more.
"""

import argparse
import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psutil
from rich.console import Console
from rich.table import Table

from bench import calls, captures, children, pipeline
from bench.echo import METHOD as ECHO
from bench.ground import Ground, plot, prepare, running_stack
from bench.plan import MERCHANTS_SPREAD
from paytools.localstack import Endpoints

FEW, MANY = 20_000, 120_000
LOAD_S = 6.0
LOADED_S_MAX = 60.0
"""Of the load client, making its requests included."""
LOOK_EVERY_S = 0.2
SERVICE = "the service"
ROUNDS = 3
WORTH_TELLING_US = 0.5
_MARKS = {
    "kafka.Kafka": "Kafka",
    "serve ": SERVICE,
    "-m bench.load": "the load client, which also prepares",
    "-m bench.echo": "the echo",
}
"""What stands in the command line of a process."""

Times = dict[str, float]
"""Seconds of a processor, by who took them."""


class Watched:
    """Processor times of the servers, the service and the load: of all that this process has started."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[str, float]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def taken(self) -> Times:
        """Return what each has taken by now."""
        self._look()
        sums: defaultdict[str, float] = defaultdict(float)
        for who, seconds in self._seen.copy().values():
            sums[who] += seconds
        return dict(sums)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error, OSError):  # It has ended, or one of its threads has.
                who = _who(process)
                for thread in process.threads() if who else ():
                    kind = _kind(process.pid, thread.id) if who == SERVICE else who
                    self._seen[process.pid, thread.id] = kind, thread.user_time + thread.system_time

    def __enter__(self) -> Self:
        """Look now and then."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()


def _who(process: psutil.Process) -> str:
    """Say what a process is; empty where it is nobody who is told of."""
    if process.name() == "postgres":
        return "PostgreSQL"
    command = " ".join(process.cmdline())
    return next((who for mark, who in _MARKS.items() if mark in command), "")


def _kind(pid: int, thread_id: int) -> str:
    """Say what a thread of a service does."""
    if thread_id == pid:
        return f"{SERVICE}: its event loop"
    name = Path(f"/proc/{pid}/task/{thread_id}/comm").read_text(encoding="ascii")
    return f"{SERVICE}: Kafka's client" if name.startswith("rdk") else f"{SERVICE}: other threads"


async def through_the_ledger(ground: Ground) -> Times:
    """Measure row (b); microseconds a payment."""
    taken = [await _booked(ground, payments) for payments in (FEW, MANY)]
    return _each(_less(taken[1], taken[0]), MANY - FEW)


async def _booked(ground: Ground, payments: int) -> Times:
    with Watched() as watched:
        before = watched.taken()
        async with plot(ground) as own:
            await pipeline.book(own, payments=payments, merchants=captures.merchant_ids(MERCHANTS_SPREAD))
        return _less(watched.taken(), before)


async def of_calls(ground: Ground) -> dict[str, Times]:
    """Measure calls of CreatePayment, its batches, and the bare echo; microseconds a payment or call."""
    found: dict[str, Times] = {}
    async with plot(ground) as own:
        merchants = await calls.know_merchants(own)
        async with (
            children.echo(own) as echo,
            children.service(own, "payment", role="api", log_level="warning") as payment,
        ):
            batch = calls.step(
                payment,
                f"{calls.PAYMENT}/BatchCreatePayments",
                merchants,
                calls.BATCHES_IN_FLIGHT,
                LOAD_S,
                items=max(calls.BATCHES),
            )
            create = calls.step(payment, f"{calls.PAYMENT}/CreatePayment", merchants, max(calls.IN_FLIGHT), LOAD_S)
            await children.load([create], seconds_max=LOADED_S_MAX)
            with Watched() as watched:
                for name, step in {
                    "a call of the echo": calls.step(echo, ECHO, merchants, max(calls.IN_FLIGHT), LOAD_S),
                    "a call of CreatePayment": create,
                    "a payment of a batch": batch,
                }.items():
                    found[name] = await _loaded(watched, step)
    return found


async def _loaded(watched: Watched, step: Mapping[str, object]) -> Times:
    before = watched.taken()
    [result] = await children.load([step], seconds_max=LOADED_S_MAX)
    return _each(_less(watched.taken(), before), result["items_per_s"] * LOAD_S)


def _less(after: Times, before: Times) -> Times:
    """Return what each has taken meanwhile."""
    return {who: seconds - before.get(who, 0.0) for who, seconds in after.items()}


def _each(taken: Times, items: float) -> Times:
    """Return microseconds an item."""
    return {who: seconds / items * 1e6 for who, seconds in sorted(taken.items())}


async def measure(endpoints: Endpoints, *, rounds: int) -> dict[str, list[Times]]:
    """Measure in turn; microseconds of a processor, by what was done and who took them."""
    ground = await prepare(endpoints)
    found: defaultdict[str, list[Times]] = defaultdict(list)
    for _ in range(rounds):
        found["a payment on its way through the ledger"].append(await through_the_ledger(ground))
        for name, times in (await of_calls(ground)).items():
            found[name].append(times)
    return dict(found)


def main() -> None:
    """Measure, and print who takes how much."""
    parser = argparse.ArgumentParser(prog="python -m bench.where", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds, console = parser.parse_args().rounds, Console()
    with running_stack(console) as endpoints:
        found = asyncio.run(measure(endpoints, rounds=rounds))
    for name, turns in found.items():
        shown = Table("us of a processor", *(f"round {number}" for number in range(1, rounds + 1)), title=name)
        for who in sorted({who for times in turns for who in times}):
            values = [times.get(who, 0.0) for times in turns]
            if max(values) >= WORTH_TELLING_US:
                shown.add_row(who, *(f"{value:.1f}" for value in values))
        shown.add_row("together", *(f"{sum(times.values()):.1f}" for times in turns))
        console.print(shown)


if __name__ == "__main__":
    main()
