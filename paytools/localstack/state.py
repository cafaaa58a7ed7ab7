"""What `up` remembers about the processes it started, and the lock that lets one command at a time change them."""

import contextlib
import dataclasses
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from paykit.base.endpoints import write_private
from paytools.localstack import processes
from paytools.localstack.processes import Identity

FILE_NAME = "stack.json"
LOCK_NAME = "lock"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One part as it was started."""

    endpoint: str
    identity: Identity | None
    """None for a part that others run."""
    metrics_port: int = 0
    """Of a service; 0 for the other parts."""

    @property
    def port(self) -> int:
        """The port in the endpoint of a part that this stack runs."""
        authority = self.endpoint.partition("://")[2] or self.endpoint
        return int(authority.partition("/")[0].rpartition(":")[2])


class State:
    """The records by part name, in starting order; every change is on disk before the call returns.

    A file that cannot be read counts as empty: what it knew is found again by its markers (`processes.stop_leftovers`).
    """

    def __init__(self, home: Path) -> None:
        self._path = home / FILE_NAME
        self.records: dict[str, ProcessRecord] = {}
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            self.records = {name: _record(entry) for name, entry in json.loads(self._path.read_text()).items()}

    def put(self, name: str, record: ProcessRecord) -> None:
        """Remember a part."""
        self.records.pop(name, None)
        self.records[name] = record
        self._write()

    def remove(self, name: str) -> None:
        """Forget a part."""
        if self.records.pop(name, None) is not None:
            self._write()

    def alive(self, name: str) -> bool:
        """Return whether the recorded process still runs."""
        record = self.records.get(name)
        return record is not None and record.identity is not None and processes.alive(record.identity)

    def _write(self) -> None:
        write_private(self._path, {name: dataclasses.asdict(record) for name, record in self.records.items()})


@contextlib.contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Let one command at a time change the stack; another one waits."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _record(entry: dict[str, object]) -> ProcessRecord:
    identity = entry.pop("identity")
    return ProcessRecord(**entry, identity=Identity(**identity) if isinstance(identity, dict) else None)  # type: ignore[arg-type]
