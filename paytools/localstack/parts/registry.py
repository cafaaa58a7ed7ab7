"""Apicurio Registry with its Confluent-compatible API, stored in PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from paytools.localstack import artifacts
from paytools.localstack.fetching import Fetched
from paytools.localstack.parts import java, postgres_programs, probes
from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps

DATABASE = "registry"
HEAP_MB = 256
COMPATIBILITY = "FULL_TRANSITIVE"
ANSWER_S_MAX = 10.0
SUBJECTS_MAX = 100_000
"""Listed at most; tests give each of their topic prefixes subjects of its own, and more would be left out silently."""
API_PATH = "/apis/ccompat/v7"


class Registry:
    """A registry on 127.0.0.1; it keeps nothing on disk but what is in database `registry`."""

    name = "registry"
    after: tuple[str, ...] = ("postgres",)
    result = "serves"

    def __init__(self, *, home: Path, cache: Path, port: int, postgres_dsn: Callable[[], str]) -> None:
        self._home = home
        self._directory = home / self.name
        self.marker = f"-Dpaystream.part={self._directory}"
        self._archive = Fetched(self.name, cache=cache)
        self._application: Path | None = None
        self._postgres_dsn = postgres_dsn
        self.port = port

    def prepare(self) -> Steps:
        """Fetch and unpack the program, and create its database."""
        self._directory.mkdir(parents=True, exist_ok=True)
        yield from self._archive.steps()
        yield "unpacking"
        self._application = artifacts.unpack(self._archive.paths[0], artifacts.locked(self.name)[0])
        postgres_programs.ensure_database(self._postgres_dsn(), DATABASE)

    def command(self) -> Command:
        """Run it, configured by its environment: it needs a password, and command lines are public."""
        assert self._application is not None, "prepare comes first"
        server = urlsplit(self._postgres_dsn())
        start = java.argv(home=self._home, marker=self.marker, heap_mb=HEAP_MB)
        return Command(
            argv=[*start, "-jar", str(self._application / "quarkus-run.jar")],
            environment={
                "APICURIO_STORAGE_KIND": "sql",
                "APICURIO_STORAGE_SQL_KIND": "postgresql",
                "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{server.hostname}:{server.port or 5432}/{DATABASE}",
                "APICURIO_DATASOURCE_USERNAME": unquote(server.username or ""),
                "APICURIO_DATASOURCE_PASSWORD": unquote(server.password or ""),
                "APICURIO_CCOMPAT_MAX_SUBJECTS": str(SUBJECTS_MAX),
                "QUARKUS_HTTP_HOST": "127.0.0.1",
                "QUARKUS_HTTP_PORT": str(self.port),
                # Its management pages would take port 9000 of every address, and a second stack could not start.
                "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
                "QUARKUS_MANAGEMENT_PORT": "0",
                "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
                "QUARKUS_LOG_LEVEL": "WARN",
                "QUARKUS_LOG_CONSOLE_COLOR": "false",
                "QUARKUS_BANNER_ENABLED": "false",
            },
            marker=self.marker,
            directory=self._directory,
        )

    def healthy(self) -> bool:
        """List the subjects."""
        return probes.registry(self.endpoint())

    def settle(self) -> None:
        """Set the global compatibility, which is NONE in a new registry.

        Raises:
            httpx.HTTPError: It cannot be set; a registry that accepts anything must not be used.
        """
        answer = httpx.put(f"{self.endpoint()}/config", json={"compatibility": COMPATIBILITY}, timeout=ANSWER_S_MAX)
        answer.raise_for_status()

    def endpoint(self) -> str:
        """Return the base URL of the Confluent-compatible API."""
        return f"http://127.0.0.1:{self.port}{API_PATH}"
