"""One stack for all test processes of a run: the first that needs it starts it, and ends it when the last is done."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from paytools.localstack import Endpoints, running_parts
from paytools.localstack.settings import StackSettings

LOOK_EVERY_S = 0.2
OTHERS_S_MAX = 3_600.0
"""How long the process that started the stack waits for the tests of the others."""


@contextmanager
def shared_parts(directory: Path) -> Iterator[Endpoints]:
    """Run the three servers, or use those that another process of this run has started.

    They live as long as the process that started them, which therefore waits at its end for the others. One that was
    killed does not count any more.

    Args:
        directory: The same for all processes of the run.
    """
    me = directory / f"user-{os.getpid()}"
    with ExitStack() as started:
        with _locked(directory):
            if (directory / "endpoints.json").exists():
                endpoints = Endpoints.read(directory)
            else:
                endpoints = started.enter_context(running_parts(settings=_settings()))
                started.callback(_wait_for_others, directory, me)
                endpoints.write(directory)
            me.touch()
        try:
            yield endpoints
        finally:
            me.unlink()


def _settings() -> StackSettings:
    """Wait for no disk: the data ends with the run, and each of a thousand databases is a thousand files."""
    return StackSettings(stack_postgres_fsync=False)


def _wait_for_others(directory: Path, me: Path) -> None:
    """Return when nobody else uses the stack, having taken back its endpoints, so that nobody begins to."""
    give_up = time.monotonic() + OTHERS_S_MAX
    while True:
        with _locked(directory):
            others = [each for each in directory.glob("user-*") if each != me and _lives(each)]
            if not others or time.monotonic() > give_up:
                (directory / "endpoints.json").unlink()
                return
        time.sleep(LOOK_EVERY_S)


def _lives(user: Path) -> bool:
    return Path("/proc", user.name.removeprefix("user-")).exists()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
