"""Bringing parts up side by side, from one thread."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from paytools.localstack import processes
from paytools.localstack.parts.part import Part, PartFailedError
from paytools.localstack.progress import WAITING, Progress
from paytools.localstack.steps import Steps

POLL_S = 0.05
START_S_MAX = 180.0
"""From the start of a program until it serves; downloads are not counted."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Started:
    """A part whose program was started."""

    runs: Callable[[], bool]
    log: Path
    serves_s_max: float = START_S_MAX


Spawn = Callable[[Part], Started]
"""Starts a part's program."""


def start_together(parts: Sequence[Part], *, serving: set[str], spawn: Spawn, progress: Progress) -> None:
    """Start parts until all of them serve; none waits for another but those in its `after`.

    Args:
        parts: What to start.
        serving: Names of parts that serve already; those started here are added.
        spawn: Called once per part that has a program.
        progress: Told about every part.

    Raises:
        PartFailedError: A program ended, or did not serve in time. Those already started keep running.
    """
    coming = [(part, _bring_up(part, serving, spawn)) for part in parts]
    try:
        while coming:
            for part, steps in tuple(coming):
                doing = next(steps, None)
                if doing is not None:
                    progress.update(part.name, doing)
                    continue
                coming.remove((part, steps))
                serving.add(part.name)
                progress.done(part.name, part.result)
            time.sleep(POLL_S if coming else 0)
    finally:
        for _, steps in coming:
            steps.close()


def _bring_up(part: Part, serving: set[str], spawn: Spawn) -> Steps:
    while not serving.issuperset(part.after):
        yield WAITING
    yield from part.prepare()
    started = spawn(part)
    deadline = time.monotonic() + started.serves_s_max
    while not part.healthy():
        if not started.runs():
            raise PartFailedError(f"{part.name} ended before it served; {processes.tail(started.log)}")
        if time.monotonic() > deadline:
            late = f"{part.name} did not serve within {started.serves_s_max:.0f} s"
            raise PartFailedError(f"{late}; {processes.tail(started.log)}")
        yield "starting"
    part.settle()
