"""Child processes that are recognised again later, by this process or another one.

A process id alone is not an identity (ids are reused), so a process is known by its id, its start time and a text that
must stand in its command line.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from paytools.localstack.steps import Steps

LAUNCHER = Path(__file__).with_name("launch.py")
START_TIME_TOLERANCE_S = 1.0
POLL_S = 0.02
LAUNCH_POLL_S = 0.005
LAUNCH_S_MAX = 10.0
LOG_TAIL_LINES = 25
KILL_WAIT_S_MAX = 10.0
OWN_VARIABLES = ("PAYSTREAM_HOME", "PAYSTREAM_CACHE")
OWN_PREFIX = "PAYSTREAM_STACK_"
"""What configures the stack is withheld from its programs: services refuse variables they do not know."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunAs:
    """An operating-system user to run as; only root can ask for one."""

    uid: int
    gid: int
    may_read_all: bool
    """Keep the capability to pass through directories that are closed to this user."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """How to run one program, and how to end it."""

    argv: Sequence[str]
    """The first element is an absolute path."""
    environment: Mapping[str, str]
    """Added to the caller's environment."""
    marker: str
    """A text in the command line that no other program of this machine has."""
    directory: Path
    user: RunAs | None = None
    stop_signal: int = signal.SIGTERM
    stop_wait_s: float = 20.0
    """How long the program may take to stop by itself before it is killed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Identity:
    """A process that was started, as recorded on disk."""

    pid: int
    start_time: float
    marker: str
    stop_signal: int
    stop_wait_s: float


class ProgramFailedError(Exception):
    """A program ended although it was needed; the text ends with the last lines of its log."""


def spawn(command: Command, *, log: Path, tied_to_caller: bool) -> Identity:
    """Start a program in a session of its own, its output appended to `log`.

    Args:
        command: What to run.
        log: Created if absent.
        tied_to_caller: The kernel ends the program when the calling *thread* ends, however that happens (Linux only);
            so call it from a thread that lives as long as the program shall.
    """
    argv = _launcher_argv(command, tied_to_caller=tied_to_caller)
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), log_flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(argv[0], argv, _environment(command), file_actions=actions)
    process = psutil.Process(pid)
    _await_program(process)
    return Identity(
        pid=pid,
        start_time=process.create_time(),
        marker=command.marker,
        stop_signal=command.stop_signal,
        stop_wait_s=command.stop_wait_s,
    )


def run(command: Command, *, name: str, log: Path) -> Steps:
    """Run a program to its end, yielding while it works.

    Raises:
        ProgramFailedError: It ended with a status other than zero.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            _launcher_argv(command, tied_to_caller=True),
            env=_environment(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            while process.poll() is None:
                yield ""
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode != 0:
        raise ProgramFailedError(f"{name} ended with status {process.returncode}; {tail(log)}")


def alive(identity: Identity) -> bool:
    """Return whether the recorded process still runs: not ended, not a zombie, not another one under the same id."""
    return _find(identity) is not None


def stop(identities: Sequence[Identity]) -> None:
    """Ask the processes to stop, all at once, wait for each within its own bound, and kill what is left."""
    running = [(identity, live_process) for identity in identities if (live_process := _find(identity)) is not None]
    for identity, process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(identity.stop_signal)
    started = time.monotonic()
    for identity, process in running:
        if not _ended(process, started + identity.stop_wait_s - time.monotonic()):
            _kill_tree(process)


def stop_leftovers(markers: Sequence[str]) -> list[int]:
    """Stop processes of an earlier run whose record was lost: those with a marker as one whole argument.

    Returns:
        The ids of the processes that were stopped.
    """
    wanted = set(markers)
    leftovers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if wanted & set(process.info["cmdline"] or ()) and process.pid != os.getpid()
    ]
    for process in leftovers:
        _kill_tree(process)
    return [process.pid for process in leftovers]


def in_directory(directory: Path) -> list[int]:
    """Return the ids of the processes that work in a directory, as far as this user may know of them."""
    found = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(directory.resolve())]
    return [process.pid for process in found if _is_running(process)]


def tail(log: Path) -> str:
    """Return the last lines of a log, for an error message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"last lines of {log}:", *lines[-LOG_TAIL_LINES:]])


def _launcher_argv(command: Command, *, tied_to_caller: bool) -> list[str]:
    user = command.user
    request = {
        "directory": str(command.directory),
        "user": {"uid": user.uid, "gid": user.gid} if user else None,
        "may_read_all": user.may_read_all if user else False,
        "parent": os.getpid() if tied_to_caller else None,
        "parent_signal": int(command.stop_signal),
    }
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(request), *command.argv]


def _environment(command: Command) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in OWN_VARIABLES and not name.startswith(OWN_PREFIX)
    }
    return {**inherited, **command.environment}


def _find(identity: Identity) -> psutil.Process | None:
    try:
        process = psutil.Process(identity.pid)
        if abs(process.create_time() - identity.start_time) > START_TIME_TOLERANCE_S:
            return None
        command_line = "" if process.status() == psutil.STATUS_ZOMBIE else "\n".join(process.cmdline())
        if not command_line:
            # It is ending, and holds its ports and files until it has ended.
            _ended(process, KILL_WAIT_S_MAX)
            return None
    except psutil.NoSuchProcess:
        return None
    return process if identity.marker in command_line else None


def _await_program(process: psutil.Process) -> None:
    """Wait until the launcher has become the program: its command line changes, and is empty for an instant."""
    deadline = time.monotonic() + LAUNCH_S_MAX
    with contextlib.suppress(psutil.NoSuchProcess):
        while time.monotonic() < deadline:
            command_line = process.cmdline()
            if command_line and str(LAUNCHER) not in command_line:
                return
            time.sleep(LAUNCH_POLL_S)


def _ended(process: psutil.Process, wait_s: float) -> bool:
    """Wait for the end, reaping the process if it is our child."""
    deadline = time.monotonic() + max(0.0, wait_s)
    while _is_running(process):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return True


def _is_running(process: psutil.Process) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            # The first thread of a Java program ends before those that still hold its ports and files.
            return bool(process.num_threads() > 1)
        return bool(process.is_running())
    except psutil.NoSuchProcess:
        return False


def _kill_tree(process: psutil.Process) -> None:
    """Kill a process and its descendants: a killed PostgreSQL would leave workers that hold its shared memory."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        for member in family:
            _ended(member, KILL_WAIT_S_MAX)
