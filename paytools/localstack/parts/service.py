"""One process of a paystream service, and what it is told."""

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from paykit.base.endpoints import Endpoints
from paytools.localstack.parts import probes
from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps

STOP_WAIT_S_MAX = 30.0


class ServicePart:
    """`paystream serve <name>`."""

    marker = ""
    result = "serves"

    def __init__(
        self,
        name: str,
        *,
        after: tuple[str, ...],
        home: Path,
        port: int,
        metrics_port: int,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        self.name = name
        self.after = after
        self.port = port
        self.metrics_port = metrics_port
        self._home = home
        self._environment = environment

    def prepare(self) -> Steps:
        """Nothing: what it needs has been prepared."""
        yield from ()

    def command(self) -> Command:
        """Run the service."""
        environment = {
            **self._environment(),
            "PAYSTREAM_GRPC_ADDRESS": self.endpoint(),
            "PAYSTREAM_METRICS_ADDRESS": f"127.0.0.1:{self.metrics_port}",
        }
        arguments = ("serve", self.name, "--address", self.endpoint())
        return paystream_command(*arguments, home=self._home, environment=environment)

    def healthy(self) -> bool:
        """Ask the gRPC health service."""
        return probes.service(self.endpoint())

    def settle(self) -> None:
        """Nothing: a service sets itself up."""

    def endpoint(self) -> str:
        """Return the gRPC address."""
        return f"127.0.0.1:{self.port}"


def paystream_command(*arguments: str, home: Path, environment: Mapping[str, str]) -> Command:
    """Run the `paystream` command of this installation."""
    argv = [sys.executable, "-m", "paytools.cli.main", *arguments]
    return Command(
        argv=argv,
        environment=environment,
        marker="\n".join(argv[1:]),
        directory=home.parent,
        stop_wait_s=STOP_WAIT_S_MAX,
    )


def service_environment(endpoints: Endpoints, *, cache: Path, password: str) -> dict[str, str]:
    """Return the settings that every service of a stack shares.

    Args:
        endpoints: Of the whole stack.
        cache: Where schema ids are kept.
        password: Of the roles that services connect as; it opens nothing else.
    """
    environment = {
        "PAYSTREAM_ENVIRONMENT": "development",
        "PAYSTREAM_DATABASE_URL": _without_user(endpoints.postgres),
        "PAYSTREAM_DATABASE_SERVICE_PASSWORD": password,
        "PAYSTREAM_KAFKA_BOOTSTRAP": endpoints.kafka,
        "PAYSTREAM_REGISTRY_URL": endpoints.registry,
        "PAYSTREAM_CACHE_DIR": str(cache),
        "PAYSTREAM_PEERS": json.dumps(dict(endpoints.services)),
        # A receiver to try webhooks with stands on this machine (`paystream webhooks listen`).
        "PAYSTREAM_WEBHOOK_LOOPBACK_ALLOWED": "true",
        # All there is to see, where a collector is named (PAYSTREAM_OTLP_ENDPOINT).
        "PAYSTREAM_TRACE_SAMPLE_RATIO": "1",
    }
    if "channel" in endpoints.services:
        environment["PAYSTREAM_CHANNEL_ADDRESS"] = endpoints.services["channel"]
    if endpoints.mail:
        host, _, port = endpoints.mail.rpartition(":")
        environment |= {
            "PAYSTREAM_MAIL_HOST": host,
            "PAYSTREAM_MAIL_PORT": port,
            "PAYSTREAM_MAIL_SECURITY": "none",
            "PAYSTREAM_MAIL_FROM_ADDRESS": "payments@paystream.example",
            "PAYSTREAM_MAIL_OPERATOR_ADDRESS": "operators@paystream.example",
        }
    return environment


def service_password(home: Path) -> str:
    """Read the password of the services' roles, making it up on first use."""
    path = home / "service-password"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


def _without_user(url: str) -> str:
    """Leave the user out: each service then connects as its own role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
