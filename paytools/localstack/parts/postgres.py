"""PostgreSQL 18 from its wheel: durable, on 127.0.0.1 and a Unix socket, with a password of its own."""

import os
import pwd
import secrets
import shutil
import signal
import stat
import time
from pathlib import Path
from urllib.parse import urlunsplit

import psutil

from paytools.localstack import processes
from paytools.localstack.parts import postgres_programs, probes
from paytools.localstack.parts.part import fresh_directory
from paytools.localstack.processes import Command, RunAs
from paytools.localstack.steps import Steps

DATABASE = "paystream"
USER = "postgres"
UNPRIVILEGED_USER = "nobody"
SOCKET_PATH_BYTES_MAX = 100
"""Some kernels allow 104 with the ending zero; where the home's path is longer, TCP alone has to do."""

SETTINGS = {
    "max_connections": "400",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",  # Nothing replicates from here, and bulk loads write less.
    "max_wal_senders": "0",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
}
"""Also given to the image in docker-compose.yml; a test compares them."""


class Postgres:
    """One server with database `paystream`, data under `<home>/postgres`.

    PostgreSQL refuses to run as root, so root runs it as an unprivileged user; nothing outside the data directory
    changes owner or mode. Where that user cannot pass through a parent directory (a home of mode 0700, say), the
    server keeps the one capability to do so.
    """

    name = "postgres"
    after: tuple[str, ...] = ()
    result = "serves"

    def __init__(self, *, home: Path, port: int, fsync: bool = True) -> None:
        self._home = home / self.name
        self._data = self._home / "data"
        self.marker = str(self._data)
        self._sockets = self._home / "socket"
        self._log = home / "logs" / f"{self.name}.log"
        self.port = port
        self._fsync = fsync

    def prepare(self) -> Steps:
        """Make the cluster on first use."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._sockets.mkdir(exist_ok=True)
        self._own(self._sockets)
        if not self._data.exists():
            yield from self._initialise()
        yield from self._await_orphans()

    def command(self) -> Command:
        """Run the postmaster; SIGINT is its fast shutdown, SIGTERM would wait for clients to leave."""
        settings = {
            **SETTINGS,
            "fsync": "on" if self._fsync else "off",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._sockets) if self._has_room_for_sockets() else "",
        }
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        return self._program("postgres", "-D", str(self._data), *options)

    def healthy(self) -> bool:
        """Open a session."""
        return probes.postgres(self._dsn("postgres"))

    def settle(self) -> None:
        """Create the database."""
        postgres_programs.ensure_database(self._dsn("postgres"), DATABASE)

    def endpoint(self) -> str:
        """Return the administrator's DSN."""
        return self._dsn(DATABASE)

    def _initialise(self) -> Steps:
        partial = fresh_directory(self._data)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        self._own(partial)
        password_file = self._home / "password"
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
        given = self._home / "password.initdb"
        shutil.copy(password_file, given)
        self._own(given)
        command = self._program(
            "initdb", "-D", str(partial), "-U", USER, "-A", "scram-sha-256", f"--pwfile={given}", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        try:
            for _ in processes.run(command, name="initdb", log=self._log):
                yield "creating the database cluster"
        finally:
            given.unlink()
        partial.rename(self._data)

    def _program(self, program: str, *arguments: str) -> Command:
        path = postgres_programs.directory() / "bin" / program
        return Command(
            argv=[str(path), *arguments],
            environment={"LC_ALL": "C", "TZ": "UTC", **self._unreaped()},
            marker=self.marker,
            directory=Path("/"),
            user=self._run_as(path),
            stop_signal=signal.SIGINT,
        )

    def _unreaped(self) -> dict[str, str]:
        """Tell PostgreSQL that the process of its lock file is none, where it was killed and nobody took note yet.

        It asks whether there is a process of that id, and a zombie is one. By this variable, meant for whoever starts a
        server for another, it leaves one id out; shared memory that is in use still stops it.
        """
        lock = self._data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8").splitlines()[0])
            ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except (OSError, ValueError, IndexError, psutil.Error):
            return {}
        return {"PG_GRANDPARENT_PID": str(pid)} if ended else {}

    def _await_orphans(self) -> Steps:
        """Wait until the processes of a killed server have ended: they hold the memory that the next one needs."""
        deadline = time.monotonic() + processes.KILL_WAIT_S_MAX
        while processes.in_directory(self._data) and time.monotonic() < deadline:
            yield "waiting for the end of a killed server"

    def _run_as(self, program: Path) -> RunAs | None:
        if os.geteuid() != 0:
            return None
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        open_to_all = _passable(program) and _passable(self._data)
        return RunAs(uid=user.pw_uid, gid=user.pw_gid, may_read_all=not open_to_all)

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam(UNPRIVILEGED_USER)
            os.chown(path, user.pw_uid, user.pw_gid)

    def _has_room_for_sockets(self) -> bool:
        return len(os.fsencode(self._sockets / f".s.PGSQL.{self.port}.lock")) <= SOCKET_PATH_BYTES_MAX

    def _dsn(self, database: str) -> str:
        password_file = self._home / "password"
        password = password_file.read_text() if password_file.exists() else ""
        return urlunsplit(("postgresql", f"{USER}:{password}@127.0.0.1:{self.port}", f"/{database}", "", ""))


def _passable(path: Path) -> bool:
    """Return whether every user may pass through all the parents of a path."""
    return all(stat.S_IMODE(parent.stat().st_mode) & stat.S_IXOTH for parent in path.parents)
