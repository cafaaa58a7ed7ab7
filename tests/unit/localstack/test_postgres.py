"""A PostgreSQL that was killed leaves a lock file, and for a while a process that is none any more."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from paytools.localstack import processes
from paytools.localstack.parts.postgres import Postgres

END_S_MAX = 30.0


@pytest.fixture
def postgres(tmp_path: Path) -> Postgres:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    return Postgres(home=tmp_path, port=5432)


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in the data directory, which ends when its input does; its end is heard of after the test."""
    script = "import sys; sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, cwd=tmp_path / "postgres" / "data"
    )
    yield process
    if process.stdin is not None:
        process.stdin.close()
    process.wait(END_S_MAX)


def lock(home: Path, text: str) -> None:
    (home / "postgres" / "data" / "postmaster.pid").write_text(text)


def left_out(postgres: Postgres) -> str | None:
    return postgres.command().environment.get("PG_GRANDPARENT_PID")


def end(child: "subprocess.Popen[bytes]") -> None:
    """Let it end, and leave it a zombie."""
    assert child.stdin is not None
    child.stdin.close()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass


def test_a_killed_server_whose_end_nobody_heard_of_does_not_stop_the_next(
    postgres: Postgres, child: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    lock(tmp_path, f"{child.pid}\n/data\n")
    end(child)
    assert left_out(postgres) == str(child.pid)


def test_a_server_that_runs_does(postgres: Postgres, child: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    lock(tmp_path, f"{child.pid}\n/data\n")
    assert left_out(postgres) is None


@pytest.mark.parametrize("text", ["", "no number\n", "2147483647\n"], ids=["empty", "no number", "no process"])
def test_a_lock_file_that_names_no_process_is_postgresql_s_own_matter(
    postgres: Postgres, tmp_path: Path, text: str
) -> None:
    lock(tmp_path, text)
    assert left_out(postgres) is None


def test_processes_in_a_directory_are_found_until_they_end(
    postgres: Postgres, child: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    data = tmp_path / "postgres" / "data"
    assert processes.in_directory(data) == [child.pid]
    waiting = postgres.prepare()
    assert next(waiting) == "waiting for the end of a killed server"
    end(child)
    assert processes.in_directory(data) == []
    assert list(waiting) == []


@pytest.mark.parametrize(("fsync", "said"), [(True, "fsync=on"), (False, "fsync=off")])
def test_it_waits_for_the_disk_unless_it_is_told_not_to(*, tmp_path: Path, fsync: bool, said: str) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    argv = Postgres(home=tmp_path, port=5432, fsync=fsync).command().argv

    assert [option for option in argv if option.startswith("fsync=")] == [said]
