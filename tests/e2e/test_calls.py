"""docs/calls.md is what happens: each example runs, through `paystream call` and, if there is one, through grpcurl."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from paykit.base.endpoints import Endpoints
from paykit.process.catalogue import load_service, service_names
from paykit.testing import servicing
from tests.e2e.conftest import Line
from tests.line import mail
from tests.line.processes import ROOT

DOCUMENT = ROOT / "docs/calls.md"
EXAMPLES = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
METHOD = re.compile(r"paystream\.\w+\.v1\.\w+/\w+")
STRICT = """set -eEuo pipefail
trap 'echo "docs/calls.md fails at: $BASH_COMMAND" >&2' ERR
"""
RUN_S_MAX = 240.0
GRPCURL = shutil.which("grpcurl")
ENDLESS = {
    "paystream.analytics.v1.AnalyticsOperationsService/StreamMetrics",
    "paystream.payment.v1.PaymentService/WatchPayment",
}
"""Ended by their caller alone, which no example does."""
SAID_MAX = 3_000
"""Characters of a failed run that are shown."""


def examples() -> str:
    return STRICT + "\n".join(EXAMPLES.findall(DOCUMENT.read_text(encoding="utf-8")))


def run_examples(directory: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run all examples as one script, beside a stack whose addresses stand in `.paystream`."""
    return subprocess.run(
        ["bash", "-c", examples()],  # noqa: S607  Whichever is first, as for whoever copies them.
        cwd=directory,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )


@pytest.fixture(scope="module")
async def changed_settings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """Mails go out."""
    async with mail.kept_in(tmp_path_factory.mktemp("mail")) as settings:
        yield settings


# Servicers only keep the runtime for later, so what they serve can be asked without one.
NO_RUNTIME: Any = None


@pytest.fixture
def beside(line: Line, tmp_path: Path) -> Path:
    """A directory that looks as if the stack had been started there."""
    home = tmp_path / ".paystream"
    home.mkdir()
    services = dict.fromkeys(service_names(), line.settings.grpc_address)
    Endpoints(kafka=line.settings.kafka_bootstrap, registry="", postgres="", services=services).write(home)
    return tmp_path


@contextmanager
def stand_in(directory: Path) -> Iterator[Path]:
    """Give a directory with a program called grpcurl that passes its calls to `paystream call`.

    One process makes them all, or each of a hundred calls would load Python and gRPC anew.
    """
    socket, programs = directory / "calls", directory / "programs"
    programs.mkdir()
    program = programs / "grpcurl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {ROOT}/tests/line/grpcurl_stand_in.py {socket} "$@"\n')
    program.chmod(0o755)
    argv = [sys.executable, "-m", "tests.line.call_server", str(socket)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield programs
        finally:
            server.terminate()


async def test_every_example_runs_through_paystream_call(beside: Path, tmp_path: Path) -> None:
    with stand_in(tmp_path) as programs:
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        ran = await asyncio.to_thread(run_examples, beside, os.environ | {"PATH": path})
    assert ran.returncode == 0, ran.stderr[-SAID_MAX:]


@pytest.mark.skipif(GRPCURL is None, reason="grpcurl is not on PATH")
async def test_every_example_runs_through_grpcurl(beside: Path) -> None:
    ran = await asyncio.to_thread(run_examples, beside, os.environ)
    assert ran.returncode == 0, ran.stderr[-SAID_MAX:]


def test_each_service_has_a_section_and_each_example_calls_a_method_that_is_there() -> None:
    sections = re.findall(r"^## (\w+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(sections) & set(service_names())) == service_names()
    for name in set(METHOD.findall(examples())):
        service, _, method = name.rpartition("/")
        assert method in servicing.describe(service).methods_by_name, name


def test_every_method_that_is_not_for_many_at_once_has_an_example() -> None:
    shown = set(METHOD.findall(examples()))
    served = [each.full_name for name in service_names() for each in load_service(name).servicers(NO_RUNTIME)]
    for described in map(servicing.describe, served):
        single = {
            f"{described.full_name}/{each.name}" for each in described.methods if "Batch" not in each.name
        } - ENDLESS
        assert single - shown == set(), described.full_name


def test_a_call_that_is_refused_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "grpcurl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "grpcurl").chmod(0o755)
    (tmp_path / ".paystream").mkdir()
    Endpoints(kafka="", registry="", postgres="", services=dict.fromkeys(service_names(), "x")).write(
        tmp_path / ".paystream"
    )
    ran = run_examples(tmp_path, os.environ | {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])})
    assert ran.returncode != 0
    assert "docs/calls.md fails at: " in ran.stderr
