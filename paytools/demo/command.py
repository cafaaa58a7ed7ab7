"""The paystream command, run on the demo's stack as a person would."""

import os
import subprocess
import sys
from pathlib import Path

from paytools.demo.clients import DemoFailedError

COMMAND_S_MAX = 60.0
COLUMNS = 180
"""As wide as the widest of what is shown."""


def paystream(home: Path, *words: str) -> list[str]:
    """Run a command on the stack kept in `home`; give the lines that it prints.

    Raises:
        DemoFailedError: It failed; the text holds what it printed.
    """
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "paytools.cli.main", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        check=False,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
    )
    if done.returncode:
        output = f"{done.stdout}\n{done.stderr}".strip()
        raise DemoFailedError(f"paystream {' '.join(words)} ended with status {done.returncode}: {output}")
    return [line.rstrip() for line in done.stdout.splitlines()]
