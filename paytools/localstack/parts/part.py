"""What every part of the stack offers to whatever starts it."""

from pathlib import Path
from typing import Protocol

from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps


class Part(Protocol):
    """One server of the stack.

    The stack drives all parts from one thread: `prepare` yields while it waits, so that the parts come up side by side
    and every process is a child of the caller's own thread (see `processes.spawn`).
    """

    name: str
    after: tuple[str, ...]
    """Parts that must serve before this one is prepared."""
    result: str
    """The word for having come up."""
    marker: str
    """One whole argument of its command line by which a lost process is found; empty where none is unique."""

    def prepare(self) -> Steps:
        """Do what must be done once before the program starts, yielding a word of progress while waiting."""

    def command(self) -> Command | None:
        """Say how to run the program; None when others run it."""

    def healthy(self) -> bool:
        """Tell, within a second or so, whether it serves."""

    def settle(self) -> None:
        """Set up what can only be set up while it serves; doing it again changes nothing."""

    def endpoint(self) -> str:
        """Say where it listens, as it stands in `endpoints.json`."""


class PartFailedError(Exception):
    """A part did not come up; the text names it and ends with the last lines of its log."""


def fresh_directory(path: Path) -> Path:
    """Return the place where a data directory is prepared; renaming it to `path` afterwards makes it count."""
    return path.with_name(f"{path.name}.partial")
