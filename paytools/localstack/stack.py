"""Up, down and status of the local stack: three servers, a process per service, the gateway, and where mails go."""

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from paykit.base import endpoints as endpoints_module
from paykit.base.endpoints import Endpoints
from paytools.localstack import processes
from paytools.localstack.bringup import BringUp, PortLostError, stop
from paytools.localstack.parts.part import Part
from paytools.localstack.parts.service import service_password
from paytools.localstack.plan import Plan
from paytools.localstack.progress import Progress, Quiet
from paytools.localstack.settings import SERVICES, StackSettings
from paytools.localstack.state import ProcessRecord, State, exclusive

DATA_DIRECTORIES = ("postgres", "kafka", "registry", "mail", "gateway", "logs", "tmp", "cache")
WATCH_S = 0.5
PORT_TRIES_MAX = 3
"""Stacks that begin together choose among the same free ports; each try chooses anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `up` did."""

    endpoints: Endpoints
    started: tuple[str, ...]
    """Parts that were started or repaired; empty when everything ran already."""
    fresh: bool
    """Nothing of the stack ran before."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartStatus:
    """One line of `status`."""

    name: str
    endpoint: str
    pid: int | None
    """None for a part that others run."""
    serves: bool


class Stack:
    """The stack whose data and records lie in `settings.home`.

    Args:
        settings: Where and on which ports.
        services: Names of the services to run; none gives the three servers alone.
        progress: Told what happens.
    """

    def __init__(
        self,
        settings: StackSettings | None = None,
        *,
        services: Sequence[str] = SERVICES,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings or StackSettings()
        self._services = tuple(services)
        self._progress = progress or Quiet()
        self.home = self._settings.home.absolute()

    def up(self, *, tied_to_caller: bool = False) -> Outcome:
        """Start what does not serve, leave what does, and write `endpoints.json`.

        Args:
            tied_to_caller: If nothing ran before, what is started ends with the calling thread, even when that is
            killed.

        Raises:
            PartFailedError: A part did not come up; what this call started is stopped again.
            paytools.localstack.artifacts.ArtifactError: A program cannot be fetched or is not the one that was locked.
        """
        with exclusive(self.home):
            return self._up(tied_to_caller=tied_to_caller)

    def down(self, *, purge: bool = False) -> tuple[str, ...]:
        """Stop everything in reverse order and return what was stopped.

        Args:
            purge: Delete the data as well.
        """
        with exclusive(self.home):
            state = State(self.home)
            stopped = tuple(name for name in reversed(state.records) if state.alive(name))
            stop(state, list(state.records), progress=self._progress)
            plan = Plan(home=self.home, settings=self._settings, services=(), state=state)
            processes.stop_leftovers([part.marker for part in plan.parts.values() if part.marker])
            (self.home / endpoints_module.FILE_NAME).unlink(missing_ok=True)
            if purge:
                self._purge()
            return stopped

    def status(self) -> list[PartStatus]:
        """Ask every recorded part whether it serves; empty when the stack is down."""
        state = State(self.home)
        plan = Plan(home=self.home, settings=self._settings, services=self._services, state=state)
        recorded = [part for name, part in plan.parts.items() if name in state.records]
        return [_status(part, state.records[part.name], state) for part in recorded]

    def wait(self) -> None:
        """Block until the stack is taken down, by another process or by its end."""
        while True:
            state = State(self.home)
            if not any(state.alive(name) for name in state.records):
                return
            time.sleep(WATCH_S)

    def _up(self, *, tied_to_caller: bool) -> Outcome:
        fresh = not any(State(self.home).alive(name) for name in State(self.home).records)
        for tries_left in reversed(range(PORT_TRIES_MAX)):
            try:
                return self._bring_up(tied_to_caller=tied_to_caller and fresh, fresh=fresh)
            except PortLostError:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _bring_up(self, *, tied_to_caller: bool, fresh: bool) -> Outcome:
        state = State(self.home)
        plan = Plan(home=self.home, settings=self._settings, services=self._services, state=state)
        service_password(self.home)  # Also for services that are started beside the stack.
        bring_up = BringUp(
            home=self.home, plan=plan, state=state, progress=self._progress, tied_to_caller=tied_to_caller
        )
        started = bring_up.run()
        endpoints = plan.endpoints()
        endpoints.write(self.home)
        return Outcome(endpoints=endpoints, started=started, fresh=fresh)

    def _purge(self) -> None:
        for name in DATA_DIRECTORIES:
            shutil.rmtree(self.home / name, ignore_errors=True)
        for path in (*self.home.glob("*.json"), self.home / "service-password"):
            path.unlink(missing_ok=True)


def _status(part: Part, record: ProcessRecord, state: State) -> PartStatus:
    runs = record.identity is None or state.alive(part.name)
    pid = record.identity.pid if record.identity else None
    return PartStatus(name=part.name, endpoint=record.endpoint, pid=pid, serves=runs and part.healthy())


@contextmanager
def running_parts(home: Path | None = None, *, settings: StackSettings | None = None) -> Iterator[Endpoints]:
    """Run the three servers, on free ports, for as long as the `with` block lasts; made for tests.

    They also end when the calling thread does, whatever kills it. Data in `home` stays for the next time; without
    `home` it is temporary.

    Args:
        home: Where data, logs and records lie.
        settings: External parts and the download cache are taken from here, else from the environment.
    """
    with tempfile.TemporaryDirectory(prefix="paystream-", ignore_cleanup_errors=True) as scratch:
        chosen = (settings or StackSettings()).any_port.model_copy(update={"home": home or Path(scratch)})
        stack = Stack(chosen, services=())
        outcome = stack.up(tied_to_caller=True)
        try:
            yield outcome.endpoints
        finally:
            stack.down()
