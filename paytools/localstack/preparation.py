"""The commands that prepare the ground for the services: schemas of the database, topics, event schemas."""

from collections.abc import Callable, Mapping
from pathlib import Path

from paytools.localstack import processes
from paytools.localstack.parts.service import paystream_command
from paytools.localstack.steps import Steps

STEPS: Mapping[tuple[str, ...], str] = {
    ("db", "init"): "postgres",
    ("db", "migrate"): "db init",
    ("topics", "init"): "kafka",
    ("schemas", "register"): "registry",
}
"""Arguments of the `paystream` command, and what each waits for; each may be run again."""
NAMES = tuple(" ".join(arguments) for arguments in STEPS)


class Preparation:
    """One such command, run to its end whenever services start."""

    marker = ""
    result = "done"

    def __init__(self, arguments: tuple[str, ...], *, home: Path, environment: Callable[[], Mapping[str, str]]) -> None:
        self.name = " ".join(arguments)
        self.after = (STEPS[arguments],)
        self._arguments = arguments
        self._home = home
        self._environment = environment

    def prepare(self) -> Steps:
        """Run it; its output goes to the log `setup`."""
        command = paystream_command(*self._arguments, home=self._home, environment=self._environment())
        for _ in processes.run(command, name=self.name, log=self._home / "logs" / "setup.log"):
            yield "running"

    def command(self) -> None:
        """Leave nothing running."""

    def healthy(self) -> bool:
        """It has ended well, or `prepare` had failed."""
        return True

    def settle(self) -> None:
        """Nothing is left to do."""

    def endpoint(self) -> str:
        """It listens nowhere."""
        return ""
