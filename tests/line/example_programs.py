"""The programs of examples/, built from a release's archive of the contracts alone, outside the checkout."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest

from paytools.localstack.settings import StackSettings
from scripts import release_contracts
from tests.line import client_environment

ROOT = Path(__file__).parents[2]
BUILD_S_MAX = 800
RUN_S_MAX = 90
SHOWN_CHARS = 200
"""Of what a client of a registry said."""
UNUSED_S_MAX = 7 * 86_400
"""After which a built example is deleted."""
ARCHIVE_FOLDER = f"paystream-contracts-{release_contracts.version()}"

_UNREACHABLE = re.compile(
    r"ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|dial tcp|no such host|i/o timeout"
    r"|Could not transfer|Unknown host|Temporary failure"
    r"|Could not find artifact|npm (?:error|ERR!) code E(?:403|404|TARGET)|(?:403 Forbidden|404 Not Found|410 Gone)"
)
"""What the clients of package registries say where there is no network, or where some packages are not served."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """How the programs of one language are built and run, in a directory of their own.

    Attributes:
        tools: What must be on the PATH, and the oldest major and minor version of the first.
        version: Prints that version.
        build: Commands, one after the other.
        consumer: Command.
        client: Command, to which arguments are added.
    """

    tools: tuple[str, ...]
    oldest: tuple[int, int]
    version: tuple[str, ...]
    build: tuple[tuple[str, ...], ...]
    consumer: tuple[str, ...]
    client: tuple[str, ...]


_JAVA = ("java", "-XX:TieredStopAtLevel=1", "-cp", "target/classes:target/lib/*")

_PYTHON = "environment/bin/python"

EXAMPLES = {
    "go": Example(
        tools=("go",),
        oldest=(1, 26),
        version=("go", "env", "GOVERSION"),
        build=(("go", "generate", "."), ("go", "build", "-o", "bin/", "./cmd/...")),
        consumer=("bin/consumer",),
        client=("bin/client",),
    ),
    "java": Example(
        tools=("javac", "java", "mvn"),
        oldest=(17, 0),
        version=("javac", "-version"),
        build=(("mvn", "--batch-mode", "--quiet", "package"),),
        consumer=(*_JAVA, "com.example.shop.EventConsumer"),
        client=(*_JAVA, "com.example.shop.PaymentClient"),
    ),
    "node": Example(
        tools=("node", "npm"),
        oldest=(20, 0),
        version=("node", "--version"),
        build=(("npm", "ci", "--no-audit", "--no-fund"), ("npm", "run", "generate")),
        consumer=("node", "consumer.js"),
        client=("node", "client.js"),
    ),
    "python": Example(
        tools=(sys.executable,),
        oldest=(3, 11),
        version=(sys.executable, "--version"),
        build=(),
        consumer=(_PYTHON, "consumer.py"),
        client=(_PYTHON, "client.py"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A built example."""

    example: Example
    directory: Path

    def consume(self, settings: Mapping[str, str], *, count: int) -> list[str]:
        """Let the consumer print that many lines, sorted: order holds per key alone."""
        done = self._run(self.example.consumer, {**settings, "COUNT": str(count)})
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(done.stdout.splitlines())

    def call(self, address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Let the client create a payment."""
        return self._run((*self.example.client, *arguments), {"PAYMENT_ADDRESS": address})

    def _run(self, command: Sequence[str], settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
        )


@cache
def built(language: str) -> Program:
    """Build an example, or take what an earlier run built of the same contracts and sources.

    Raises:
        pytest.skip.Exception: The toolchain is not on this machine, or its packages cannot be fetched from here.
    """
    example = EXAMPLES[language]
    found = _version(example)
    sources = _files(ROOT / "examples" / language)
    digest = hashlib.sha256(repr((example, found, sorted(sources.items()), _contracts(language))).encode()).hexdigest()
    base = StackSettings().cache / "examples"
    base.mkdir(parents=True, exist_ok=True)
    with (base / f"{language}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = base / f"{language}-{digest[:16]}"
        if not directory.exists():
            _build(language, example, directory, sources)
        directory.touch()
        for other in base.glob(f"{language}-*"):  # Those of other checkouts may be in use.
            if time.time() - other.stat().st_mtime > UNUSED_S_MAX:
                shutil.rmtree(other)
    return Program(example=example, directory=directory)


def _version(example: Example) -> str:
    for tool in example.tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not on this machine")
    said = subprocess.run(example.version, capture_output=True, text=True, timeout=RUN_S_MAX, check=True)
    text = said.stdout + said.stderr
    numbers = re.search(r"(\d+)\.(\d+)", text)
    assert numbers is not None, text
    if (int(numbers[1]), int(numbers[2])) < example.oldest:
        pytest.skip(f"the example needs {example.tools[0]} {example.oldest[0]}.{example.oldest[1]}: {text.strip()}")
    return text


def _contracts(language: str) -> list[tuple[str, bytes]]:
    """Return what a program is made of besides its sources; that of Python links to this environment's packages."""
    if language != "python":
        return sorted(release_contracts.contents().items())
    files = _files(ROOT / "clients") | _files(ROOT / "gen") | _files(ROOT / "schemas")
    return [("prefix", sys.prefix.encode()), *sorted(files.items())]


def _files(directory: Path) -> dict[str, bytes]:
    """Return what git has below a directory, and what it has not yet: never what was generated or built there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=RUN_S_MAX, check=True)
    return {name: (directory / name).read_bytes() for name in listed.stdout.splitlines() if (directory / name).exists()}


def _build(language: str, example: Example, directory: Path, sources: Mapping[str, bytes]) -> None:
    scratch = directory.with_name(f".{directory.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    for name, content in sources.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(content)
    with ZipFile(release_contracts.write(scratch)) as archive:
        archive.extractall(scratch)
    (scratch / ARCHIVE_FOLDER).rename(scratch / "contracts")
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MAVEN_OPTS": "-XX:TieredStopAtLevel=1"}
    for command in example.build:
        done = subprocess.run(
            command,
            cwd=scratch,
            env={**os.environ, **tools},
            capture_output=True,
            text=True,
            timeout=BUILD_S_MAX,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode and _UNREACHABLE.search(said):
            line = next(line for line in said.splitlines() if _UNREACHABLE.search(line))
            pytest.skip(f"the packages of the {language} example cannot be fetched from here: {line[:SHOWN_CHARS]}")
        assert done.returncode == 0, f"{' '.join(command)}: {said}"
    if language == "python":
        client_environment.make(
            scratch / "environment", packages=client_environment.pinned(scratch / "requirements.txt")
        )
    scratch.rename(directory)
