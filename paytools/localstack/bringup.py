"""One run of `up`: find what is missing, start it, prepare the ground for the services, start those."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from paytools.localstack import ports, processes
from paytools.localstack.parts.gateway import Gateway
from paytools.localstack.parts.part import Part, PartFailedError
from paytools.localstack.parts.service import ServicePart
from paytools.localstack.plan import Plan
from paytools.localstack.preparation import Preparation
from paytools.localstack.processes import ProgramFailedError
from paytools.localstack.progress import Progress
from paytools.localstack.starting import Started, start_together
from paytools.localstack.state import ProcessRecord, State

EXTERNAL_ANSWERS_S_MAX = 30.0


class PortLostError(PartFailedError):
    """A part failed, and another program has a port that was free when it was chosen."""

    def __init__(self, lost: Sequence[int], error: Exception) -> None:
        super().__init__(f"another program took port {', '.join(map(str, lost))} meanwhile: {error}")


class BringUp:
    """Start what a plan lacks; to be used once, under the lock."""

    def __init__(self, *, home: Path, plan: Plan, state: State, progress: Progress, tied_to_caller: bool) -> None:
        self._home = home
        self._plan = plan
        self._state = state
        self._progress = progress
        self._tied_to_caller = tied_to_caller

    def run(self) -> tuple[str, ...]:
        """Return the names of what was started, nothing if everything served.

        Raises:
            PortLostError: Another program took a port before the part could; what was started is stopped again.
            PartFailedError: A part did not come up; likewise.
        """
        missing = self._missing()
        if missing:
            self._make_directories()
            stop(self._state, missing, progress=self._progress)
            processes.stop_leftovers([part.marker for name in missing if (part := self._plan.parts[name]).marker])
            try:
                self._start(missing)
            except BaseException as error:
                stop(self._state, missing, progress=self._progress)
                if not isinstance(error, (ProgramFailedError, PartFailedError)):
                    raise
                lost = self._lost_ports(missing)
                raise (PortLostError(lost, error) if lost else PartFailedError(str(error))) from error
        return tuple(missing)

    def _lost_ports(self, stopped: Sequence[str]) -> list[int]:
        """Return the ports of parts that do not run and that others have all the same."""
        chosen = [port for name in stopped for port in self._plan.ports.get(name, ())]
        return [port for port in chosen if not ports.is_free(port)]

    def _missing(self) -> list[str]:
        """Name what does not serve, what moved to another port, and what was told of a place that moved."""
        moved = {name for name, part in self._plan.parts.items() if self._has_moved(name, part)}
        return [
            name
            for name, part in self._plan.parts.items()
            # A service is told the addresses of all the others, and so is the gateway.
            if moved & {name, *part.after}
            or (moved and isinstance(part, ServicePart | Gateway))
            or not self._serves(name, part)
        ]

    def _has_moved(self, name: str, part: Part) -> bool:
        record = self._state.records.get(name)
        return record is not None and record.endpoint != part.endpoint()

    def _serves(self, name: str, part: Part) -> bool:
        record = self._state.records.get(name)
        if record is None:
            return False
        return (record.identity is None or self._state.alive(name)) and part.healthy()

    def _make_directories(self) -> None:
        (self._home / "logs").mkdir(exist_ok=True)
        self._home.chmod(0o711)  # PostgreSQL may run as another user than we do.

    def _start(self, missing: Sequence[str]) -> None:
        parts = [part for name, part in self._plan.parts.items() if name in missing]
        prepares = any(isinstance(part, ServicePart) for part in parts)
        preparations = self._plan.preparations if prepares else ()
        serving = set(self._plan.parts) - set(missing)
        start_together([*parts, *preparations], serving=serving, spawn=self._spawn, progress=self._progress)

    def _spawn(self, part: Part) -> Started:
        command, log = part.command(), self._home / "logs" / f"{part.name}.log"
        if isinstance(part, Preparation):
            return Started(runs=lambda: True, log=log)
        if command is None:
            self._state.put(part.name, ProcessRecord(endpoint=part.endpoint(), identity=None))
            return Started(runs=lambda: True, log=log, serves_s_max=EXTERNAL_ANSWERS_S_MAX)
        metrics_port = part.metrics_port if isinstance(part, ServicePart) else 0
        identity = processes.spawn(command, log=log, tied_to_caller=self._tied_to_caller)
        self._state.put(
            part.name, ProcessRecord(endpoint=part.endpoint(), identity=identity, metrics_port=metrics_port)
        )
        return Started(runs=lambda: processes.alive(identity), log=log)


def stop(state: State, names: Sequence[str], *, progress: Progress) -> None:
    """Stop recorded parts, the last started first: services together, then each server that others use."""
    for group in _stop_groups(state, names):
        for name in group:
            progress.update(name, "stopping")
        processes.stop([record.identity for name in group if (record := state.records[name]).identity is not None])
        for name in group:
            state.remove(name)
            progress.done(name, "stopped")


def _stop_groups(state: State, names: Sequence[str]) -> Iterator[list[str]]:
    recorded: Mapping[str, ProcessRecord] = {name: state.records[name] for name in names if name in state.records}
    yield [name for name in recorded if name not in ("postgres", "kafka", "registry")]
    yield [name for name in ("registry", "kafka") if name in recorded]
    yield [name for name in ("postgres",) if name in recorded]
