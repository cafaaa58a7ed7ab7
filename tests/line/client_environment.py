"""An environment that has the wheel paystream-client and nothing but the packages given, linked from this one."""

import atexit
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from scripts import release_client

REQUIRED = ("grpcio", "protobuf", "googleapis-common-protos", "typing-extensions")
"""What the wheel needs, and what that needs."""
STEP_S_MAX = 120


@cache
def _wheel() -> Path:
    """Build it once for all environments of this process."""
    scratch = tempfile.TemporaryDirectory(prefix="paystream-wheel-")
    atexit.register(scratch.cleanup)
    return release_client.build(Path(scratch.name))


def make(directory: Path, *, packages: Iterable[str]) -> Path:
    """Install the wheel, and return the environment's Python."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(directory))
    python = directory / "bin" / "python"
    [site] = directory.glob("lib/python*/site-packages")
    for package in packages:
        _link(package, site)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python))
    _run(*pip, "install", "--quiet", "--no-index", str(_wheel()))
    _run(*pip, "check")
    return python


def pinned(requirements: Path) -> list[str]:
    """Return the packages of a file of requirements, each at the version that this environment has.

    Raises:
        AssertionError: A version is another.
    """
    pins = dict(re.findall(r"^([a-z][\w.-]*)==(\S+)", requirements.read_text(), re.MULTILINE))
    assert pins == {name: metadata.version(name) for name in pins}
    return list(pins)


def _link(package: str, site: Path) -> None:
    distribution = metadata.distribution(package)
    for file in distribution.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).symlink_to(Path(str(distribution.locate_file(file))))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_S_MAX, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
