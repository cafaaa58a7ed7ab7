"""The processes under load and the load client: started, waited for, stopped."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.ground import Plot
from paykit.errors import InvariantError
from paykit.testing import databases
from paytools.localstack import ports, processes
from paytools.localstack.parts import probes
from paytools.localstack.parts.service import paystream_command
from paytools.localstack.processes import Command

ROOT = Path(__file__).resolve().parent.parent
SERVES_S_MAX = 60.0
POLL_S = 0.05
_KIBI = 1024

_taken: set[int] = set()


class ChildFailedError(Exception):
    """A process ended, did not serve in time, or a load met an error; the text says which."""


def free_address() -> str:
    """Return an address that nothing listens on."""
    return f"127.0.0.1:{ports.choose(0, taken=_taken)}"


@asynccontextmanager
async def service(plot: Plot, name: str, **settings: str) -> AsyncIterator[str]:
    """Run `paystream serve` as an operator would, in a process of its own; give its gRPC address.

    Args:
        plot: Database and topics.
        name: Of the service.
        settings: More `PAYSTREAM_*` variables, in lower case and without that prefix. With a role that has no gRPC
            server nobody can ask whether it serves, so nobody waits.
    """
    address = settings.get("grpc_address") or free_address()
    environment = _environment(plot) | {f"PAYSTREAM_{key.upper()}": value for key, value in settings.items()}
    environment["PAYSTREAM_GRPC_ADDRESS"] = address
    command = paystream_command("serve", name, "--address", address, home=plot.ground.home, environment=environment)
    async with _running(command, log=plot.ground.home / "logs" / f"{name}.log") as identity:
        await _await_serving(identity, lambda: probes.service(address), name)
        yield address


@asynccontextmanager
async def echo(plot: Plot) -> AsyncIterator[str]:
    """Run the bare echo server in a process of its own; give its address."""
    address = free_address()
    argv = [sys.executable, "-m", "bench.echo", address]
    command = Command(argv=argv, environment={}, marker="\n".join(argv[1:]), directory=ROOT, stop_wait_s=5.0)
    async with _running(command, log=plot.ground.home / "logs" / "echo.log") as identity:
        await _await_serving(identity, lambda: probes.connects(address), "echo")
        yield address


async def load(steps: Sequence[Mapping[str, Any]], *, seconds_max: float) -> list[dict[str, float]]:
    """Run `bench.load` in a process of its own; give one result per step, in order.

    Raises:
        ChildFailedError: A call failed, or it took longer than `seconds_max`.
    """
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds_max):
            output, errors = await client.communicate(json.dumps(list(steps)).encode())
    except TimeoutError as error:
        raise ChildFailedError(f"the load client took longer than {seconds_max:.0f} s") from error
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    if client.returncode != 0:
        raise ChildFailedError(f"the load client failed: {errors.decode(errors='replace')[-2000:]}")
    results: list[dict[str, float]] = json.loads(output)
    return results


def peak_mib(service: str) -> float:
    """Return the most memory that a service has had at once, as the kernel counts it.

    Raises:
        InvariantError: It is not running.
    """
    for child in psutil.Process().children(recursive=True):
        if service in child.cmdline():
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
            return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / _KIBI
    raise InvariantError(f"the {service} service is not running")


def _environment(plot: Plot) -> dict[str, str]:
    endpoints = plot.ground.endpoints
    return {
        "PAYSTREAM_DATABASE_URL": plot.database_url,
        "PAYSTREAM_DATABASE_SERVICE_PASSWORD": databases.SERVICE_PASSWORD,
        "PAYSTREAM_KAFKA_BOOTSTRAP": endpoints.kafka,
        "PAYSTREAM_REGISTRY_URL": endpoints.registry,
        "PAYSTREAM_TOPIC_PREFIX": plot.prefix,
        "PAYSTREAM_CACHE_DIR": str(plot.ground.home / "cache"),
        "PAYSTREAM_ROLE": "all",
    }


@asynccontextmanager
async def _running(command: Command, *, log: Path) -> AsyncIterator[processes.Identity]:
    # Started from this thread, the main one, since the process ends with the thread that started it.
    identity = processes.spawn(command, log=log, tied_to_caller=True)
    try:
        yield identity
    finally:
        await asyncio.shield(asyncio.to_thread(processes.stop, [identity]))


async def _await_serving(identity: processes.Identity, serves: Any, name: str) -> None:
    try:
        async with asyncio.timeout(SERVES_S_MAX):
            while not await asyncio.to_thread(serves):
                if not processes.alive(identity):
                    raise ChildFailedError(f"{name} ended before it served")
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise ChildFailedError(f"{name} did not serve within {SERVES_S_MAX:.0f} s") from error
