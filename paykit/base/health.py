"""Whether this process lives and is ready, for whoever supervises it: JSON at `/livez` and `/readyz`.

The event loop writes what it finds on a board; the thread that serves metrics reads it. So a loop that does not turn is
seen as well: what is on the board is old then.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

LOOP_SILENT_S_MAX = 30.0
"""A loop that has shown nothing for longer is not alive: far longer than any batch or collection takes."""


class HealthProblemKind(StrEnum):
    """What keeps a process from being ready; listed in docs/operations.md."""

    STARTING = "STARTING"
    """It waits for PostgreSQL or the registry, or is not done yet."""
    STOPPING = "STOPPING"
    """It was told to stop."""
    LOOP_SILENT = "LOOP_SILENT"
    """Its event loop does not turn: the one that it is not alive for."""
    DATABASE_SILENT = "DATABASE_SILENT"
    """PostgreSQL has not answered for long."""
    PARTITION_HALTED = "PARTITION_HALTED"
    """A partition that it has is halted."""
    EVENTS_LATE = "EVENTS_LATE"
    """The next event to apply is old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthProblem:
    """One thing that is not as it should be.

    Attributes:
        service: Whose; None for the whole process.
        detail: Which partition, or how long.
    """

    kind: HealthProblemKind
    service: str | None = None
    detail: str = ""


STARTING = HealthProblem(kind=HealthProblemKind.STARTING)


class HealthBoard:
    """What was found last."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # Set as one: another thread reads them.
        self._found: tuple[float, tuple[HealthProblem, ...], tuple[str, ...]] = (monotonic(), (STARTING,), ())

    def show(self, problems: Iterable[HealthProblem], *, leads: Sequence[str] = ()) -> None:
        """Say what keeps the process from being ready, and whose relay it leads: to lead none is no fault."""
        self._found = (self._monotonic(), tuple(problems), tuple(leads))

    def live(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """Return whether a supervisor should leave the process alone: nothing outside of it counts."""
        return _answer(self._silence())

    def ready(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """Return whether it does its work now."""
        _, problems, leads = self._found
        status, answer = _answer([*self._silence(), *problems])
        return status, answer | {"leads": list(leads)}

    def _silence(self) -> list[HealthProblem]:
        silent_s = self._monotonic() - self._found[0]
        if silent_s <= LOOP_SILENT_S_MAX:
            return []
        return [HealthProblem(kind=HealthProblemKind.LOOP_SILENT, detail=f"{silent_s:.0f} s")]


def _answer(problems: Sequence[HealthProblem]) -> tuple[HTTPStatus, dict[str, Any]]:
    shown = [{"problem": each.kind, "service": each.service, "detail": each.detail} for each in problems]
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return status, {"ok": not problems, "problems": shown}


def body(answer: dict[str, Any]) -> bytes:
    """Return an answer as JSON and a line's end."""
    return json.dumps(answer).encode() + b"\n"
