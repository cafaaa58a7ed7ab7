"""`paystream up`, `down` and `status` as a person runs them, with the three servers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

PAYSTREAM = [sys.executable, "-m", "paytools.cli.main"]
SERVERS = ("postgres", "kafka", "registry")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    home = tmp_path_factory.mktemp("commands") / ".paystream"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYSTREAM_STACK_")}
    ports = {f"PAYSTREAM_STACK_{name.upper()}_PORT": "0" for name in SERVERS}
    environment = {**kept, **ports, "PAYSTREAM_HOME": str(home)}
    yield environment
    run(environment, "down", "--purge")


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PAYSTREAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def pids(environment: Mapping[str, str]) -> list[int]:
    records = json.loads((Path(environment["PAYSTREAM_HOME"]) / "stack.json").read_text())
    return [record["identity"]["pid"] for record in records.values()]


def test_status_of_nothing_is_not_running(environment: Mapping[str, str]) -> None:
    status = run(environment, "status")
    assert (status.stdout, status.returncode) == ("not running\n", 3)


def test_down_of_nothing_is_no_error(environment: Mapping[str, str]) -> None:
    down = run(environment, "down")
    assert (down.stdout, down.returncode) == ("not running: nothing to stop\n", 0)


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("PAYSTREAM_STACK_KAFKA_PORT", "many", "error: PAYSTREAM_STACK_KAFKA_PORT: Input should be a valid integer"),
        ("PAYSTREAM_STACK_KAKFA_PORT", "9092", "error: PAYSTREAM_STACK_KAKFA_PORT: no such setting"),
    ],
)
def test_a_wrong_setting_is_named_without_a_traceback(
    environment: Mapping[str, str], variable: str, value: str, error: str
) -> None:
    up = run({**environment, variable: value}, "up", "--detach")
    assert up.returncode == 2
    assert up.stderr.startswith(error)
    assert "Traceback" not in up.stderr


def test_detached_up_leaves_the_servers_running_until_down_and_shows_no_password(
    environment: Mapping[str, str],
) -> None:
    up = run(environment, "up", "--detach", "--parts-only")
    assert up.returncode == 0, up.stderr
    assert all(f"{name}: serves" in up.stdout for name in SERVERS)
    running = pids(environment)
    assert len(running) == 3

    status = run(environment, "status")
    assert status.returncode == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()] == [[name, "serves"] for name in SERVERS]

    endpoints = json.loads((Path(environment["PAYSTREAM_HOME"]) / "endpoints.json").read_text())
    password = endpoints["postgres"].rpartition("@")[0].rpartition(":")[2]
    assert len(password) == 32
    assert password not in up.stdout + status.stdout

    again = run(environment, "up", "--detach", "--parts-only")
    assert again.stdout.startswith("already running: nothing to do\n")
    assert pids(environment) == running

    down = run(environment, "down")
    assert down.stdout.endswith("stopped\n")
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in running)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_stays_and_stops_everything_when_it_is_told_to(environment: Mapping[str, str], stop: signal.Signals) -> None:
    command = [*PAYSTREAM, "up", "--parts-only"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        try:
            while not (line := up.stdout.readline()).startswith("running"):
                assert line, "up ended before it ran"
            running = pids(environment)
            up.send_signal(stop)
            assert up.stdout.read().splitlines()[-1].startswith("postgres: stopped")
        finally:
            up.kill()  # It may not have heard; leaving the block waits for its end.
    assert up.returncode == 130
    assert len(running) == 3
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in running)


def test_a_server_that_cannot_start_is_named_with_its_log_and_nothing_stays(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    broken = {**environment, "PAYSTREAM_HOME": str(tmp_path)}
    up = run(broken, "up", "--detach", "--parts-only")
    assert up.returncode == 1
    assert "error: postgres ended before it served; last lines of" in up.stderr
    assert f"{tmp_path}/postgres/data" in up.stderr
    assert run(broken, "status").stdout == "not running\n"
