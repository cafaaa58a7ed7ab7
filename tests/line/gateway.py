"""Envoy as the gateway, in front of whatever a test serves."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired

from paytools.gateway.configuration import configuration
from paytools.localstack import ports
from paytools.localstack.parts import probes
from paytools.localstack.parts.gateway import AUDIENCES, ORIGINS, envoy

START_S_MAX = 60.0
STOP_S_MAX = 10.0
LOOK_EVERY_S = 0.05


@contextmanager
def gateway(directory: Path, services: Mapping[str, str], *, audiences: Sequence[str] = AUDIENCES) -> Iterator[str]:
    """Run the gateway for as long as the block lasts, and give its base URL.

    Args:
        directory: For its configuration and log.
        services: `host:port` of each service by name.
        audiences: Whose calls it leads to them.
    """
    address = f"127.0.0.1:{ports.choose(0, taken=set())}"
    path = directory / "envoy.json"
    told = configuration(services, listen=address, audiences=audiences, origins=ORIGINS)
    path.write_text(json.dumps(told), encoding="utf-8")
    command, log = envoy(str(path), directory=directory), directory / "envoy.log"
    with log.open("wb") as output, Popen(command.argv, stdin=DEVNULL, stdout=output, stderr=output) as process:
        try:
            _await(process, f"http://{address}", log)
            yield f"http://{address}"
        finally:
            process.terminate()
            try:
                process.wait(STOP_S_MAX)
            except TimeoutExpired:
                process.kill()


def _await(process: "Popen[bytes]", url: str, log: Path) -> None:
    give_up = time.monotonic() + START_S_MAX
    while not probes.gateway(url):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < give_up, log.read_text(errors="replace")
        time.sleep(LOOK_EVERY_S)
