"""Programs start apart from the caller, stop within bounds, and do not outlive a caller that they are tied to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from paytools.localstack import processes
from paytools.localstack.processes import Command, ProgramFailedError

GONE_S_MAX = 10.0


def python(script: str, *arguments: str, home: Path, **options: float) -> Command:
    argv = [sys.executable, "-c", script, *arguments]
    return Command(argv=argv, environment={}, marker=script, directory=home, **options)  # type: ignore[arg-type]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_S_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_has_a_session_of_its_own_and_its_output_in_the_log(tmp_path: Path) -> None:
    script = "import os, time; print(os.getsid(0), flush=True); time.sleep(60)"
    identity = processes.spawn(python(script, home=tmp_path), log=tmp_path / "log", tied_to_caller=False)
    until(lambda: (tmp_path / "log").read_text() != "")
    assert (tmp_path / "log").read_text().strip() == str(identity.pid)
    processes.stop([identity])
    assert not processes.alive(identity)


def test_a_program_that_ignores_the_signal_is_killed_after_its_bound(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    command = python(script, home=tmp_path, stop_wait_s=0.2)
    identity = processes.spawn(command, log=tmp_path / "log", tied_to_caller=False)
    until(lambda: "deaf" in (tmp_path / "log").read_text())
    processes.stop([identity])
    assert not psutil.pid_exists(identity.pid)


def test_a_tied_program_ends_when_its_caller_is_killed(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from paytools.localstack import processes
command = processes.Command(argv=["/bin/sleep", "3617"], environment={{}}, marker="3617", directory=pathlib.Path("/"))
log = pathlib.Path({str(tmp_path / "log")!r})
print(processes.spawn(command, log=log, tied_to_caller=True).pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        child = psutil.Process(int(caller.stdout.readline()))
        until(lambda: child.name() == "sleep")
        caller.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_failing_step_says_its_status_and_shows_its_log(tmp_path: Path) -> None:
    command = python("import sys; print('the reason'); sys.exit(7)", home=tmp_path)
    with pytest.raises(ProgramFailedError, match=r"step ended with status 7(.|\n)*the reason"):
        list(processes.run(command, name="step", log=tmp_path / "log"))


def test_a_step_given_up_is_killed(tmp_path: Path) -> None:
    steps = processes.run(python("import time; time.sleep(60)", home=tmp_path), name="step", log=tmp_path / "log")
    next(steps)
    [child] = [one for one in psutil.Process().children() if "import time; time.sleep(60)" in one.cmdline()]
    steps.close()
    assert not child.is_running()


def test_leftovers_are_found_by_a_whole_argument(tmp_path: Path) -> None:
    script = "import time; time.sleep(60)"
    mine = processes.spawn(python(script, f"{tmp_path}/a", home=tmp_path), log=tmp_path / "log", tied_to_caller=True)
    other = processes.spawn(python(script, f"{tmp_path}/ab", home=tmp_path), log=tmp_path / "log", tied_to_caller=True)
    assert processes.stop_leftovers([f"{tmp_path}/a"]) == [mine.pid]
    assert not processes.alive(mine)
    assert processes.alive(other)
    processes.stop([other])


def test_what_configures_the_stack_is_withheld_from_its_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAYSTREAM_HOME", "PAYSTREAM_CACHE", "PAYSTREAM_STACK_KAFKA_PORT", "PAYSTREAM_LOG_LEVEL"):
        monkeypatch.setenv(name, "x")
    script = "import os; print(sorted(name for name in os.environ if name.startswith('PAYSTREAM_')))"
    list(processes.run(python(script, home=tmp_path), name="step", log=tmp_path / "log"))
    assert (tmp_path / "log").read_text().strip() == "['PAYSTREAM_LOG_LEVEL']"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("may_read_all", [False, True])
def test_a_program_run_as_another_user_passes_closed_directories_only_if_allowed(
    tmp_path: Path, *, may_read_all: bool
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "file").write_text("")
    user = processes.RunAs(uid=65534, gid=65534, may_read_all=may_read_all)
    command = Command(
        argv=["/bin/sh", "-c", f"id -u; test -r {tmp_path}/file && echo seen || echo unseen"],
        environment={},
        marker="id -u",
        directory=Path("/"),
        user=user,
    )
    list(processes.run(command, name="step", log=tmp_path / "log"))
    assert (tmp_path / "log").read_text().split() == ["65534", "seen" if may_read_all else "unseen"]


def test_a_signal_is_the_programs_own(tmp_path: Path) -> None:
    script = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (print("asked", flush=True), sys.exit(0)))
print("up", flush=True)
time.sleep(60)
"""
    command = Command(
        argv=[sys.executable, "-c", script],
        environment={},
        marker=script,
        directory=tmp_path,
        stop_signal=signal.SIGINT,
    )
    identity = processes.spawn(command, log=tmp_path / "log", tied_to_caller=True)
    until(lambda: "up" in (tmp_path / "log").read_text())
    processes.stop([identity])
    assert (tmp_path / "log").read_text().split() == ["up", "asked"]
