"""A recorded process is recognised, and nothing else is taken for it."""

import dataclasses
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from paytools.localstack import processes
from paytools.localstack.processes import Command, Identity
from paytools.localstack.state import ProcessRecord, State


@pytest.fixture
def sleeper() -> Iterator[list[Identity]]:
    # Whatever a test puts in is stopped afterwards.
    started: list[Identity] = []
    yield started
    processes.stop(started)


def start(tmp_path: Path, marker: str = "3613") -> Identity:
    command = Command(argv=["/bin/sleep", marker], environment={}, marker=marker, directory=tmp_path)
    return processes.spawn(command, log=tmp_path / "log", tied_to_caller=True)


def recorded(home: Path, identity: Identity) -> State:
    State(home).put("kafka", ProcessRecord(endpoint="127.0.0.1:9092", identity=identity))
    return State(home)


def test_a_running_process_is_recognised_after_reading_the_record_again(
    tmp_path: Path, sleeper: list[Identity]
) -> None:
    sleeper.append(start(tmp_path))
    assert recorded(tmp_path, sleeper[0]).alive("kafka")


def test_a_process_that_ended_is_not_alive_and_leaves_no_zombie(tmp_path: Path) -> None:
    identity = start(tmp_path)
    os.kill(identity.pid, signal.SIGKILL)
    psutil.Process(identity.pid).wait(5)
    assert not recorded(tmp_path, identity).alive("kafka")
    assert not psutil.pid_exists(identity.pid)


def test_another_process_under_a_reused_id_is_not_taken_for_ours(tmp_path: Path, sleeper: list[Identity]) -> None:
    sleeper.append(start(tmp_path))
    earlier = dataclasses.replace(sleeper[0], start_time=sleeper[0].start_time - 60)
    assert not recorded(tmp_path, earlier).alive("kafka")


def test_a_process_with_another_command_line_is_not_taken_for_ours(tmp_path: Path, sleeper: list[Identity]) -> None:
    sleeper.append(start(tmp_path))
    other = dataclasses.replace(sleeper[0], marker="-Dpaystream.part=/elsewhere/kafka")
    assert not recorded(tmp_path, other).alive("kafka")


def test_stopping_a_record_that_is_not_ours_stops_nothing(tmp_path: Path, sleeper: list[Identity]) -> None:
    sleeper.append(start(tmp_path))
    processes.stop([dataclasses.replace(sleeper[0], start_time=0.0)])
    assert processes.alive(sleeper[0])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kafka": {}}', '{"kafka": {"identity": {}, "endpoint": "x"}}'])
def test_a_record_that_cannot_be_read_counts_as_empty(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert State(tmp_path).records == {}


def test_the_record_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    State(tmp_path).put(
        "postgres", ProcessRecord(endpoint="postgresql://postgres:secret@127.0.0.1:1/paystream", identity=None)
    )
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_a_part_that_others_run_is_not_ours_to_call_alive(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put("kafka", ProcessRecord(endpoint="broker.example:9092", identity=None))
    assert not state.alive("kafka")


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("127.0.0.1:9092", 9092),
        ("http://127.0.0.1:8081/apis/ccompat/v7", 8081),
        ("postgresql://postgres:pa-ss_word@127.0.0.1:5432/paystream", 5432),
    ],
)
def test_a_record_knows_its_port(endpoint: str, port: int) -> None:
    assert ProcessRecord(endpoint=endpoint, identity=None).port == port
