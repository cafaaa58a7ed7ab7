"""Services as processes of their own, to be killed and stopped like anybody's."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from paykit.base.config import Settings
from paytools.localstack import ports
from paytools.localstack.parts import probes
from tests.line.waiting import until

STOP_S_MAX = 60.0
"""For a process told to stop in order."""
SERVE = ("-m", "paytools.cli.main", "serve")
ROOT = Path(__file__).parents[2]
TELLING = (
    *("mail_host", "mail_port", "mail_security", "mail_from_address", "mail_operator_address"),
    "webhook_loopback_allowed",
)
"""Settings of mails and webhooks that processes get where a test has them."""


class ServiceProcess:
    """`paystream serve <names>` at an address that stays the same over every restart."""

    def __init__(
        self,
        names: Sequence[str],
        settings: Settings,
        *,
        log: Path,
        address: str | None = None,
        program: Sequence[str] = SERVE,
        role: str | None = None,
    ) -> None:
        self._names = (*names, *(("--role", role) if role else ()))
        self._program = program
        self._settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._starts_before = 0
        taken: set[int] = set()
        self.address = address or f"127.0.0.1:{ports.choose(0, taken=taken)}"
        self.metrics_address = f"127.0.0.1:{ports.choose(0, taken=taken)}"

    @property
    def pid(self) -> int:
        """Give the process's id."""
        assert self._process is not None
        return self._process.pid

    async def metric(self, name: str, **labels: str) -> float:
        """Read one value from its Prometheus page; 0 while it is not there."""
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"http://{self.metrics_address}/metrics", timeout=STOP_S_MAX)).text
        samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
        return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())

    @property
    def output(self) -> str:
        """Give what all processes under this name wrote."""
        return self._log.read_text()

    @property
    def _starts(self) -> int:
        return self.output.count('"event": "started"') if self._log.exists() else 0

    def spawn(self) -> None:
        """Start a process, and do not wait for it."""
        self._starts_before = self._starts
        argv = [sys.executable, *self._program, *self._names]
        addresses = {"PAYSTREAM_GRPC_ADDRESS": self.address, "PAYSTREAM_METRICS_ADDRESS": self.metrics_address}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                env=environment(self._settings, **addresses),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    async def start(self) -> None:
        """Start a process and wait until it serves."""
        self.spawn()
        await until(self.serves)

    async def serves(self) -> bool:
        """Say whether it answers; fails if the process ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self._names} ended by itself:\n{self.output[-2000:]}"
        return await asyncio.to_thread(probes.service, self.address)

    async def has_started(self) -> bool:
        """Say whether it has said so, of whatever role; fails if the process ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self._names} ended by itself:\n{self.output[-2000:]}"
        return self._starts > self._starts_before

    async def kill(self) -> None:
        """End it at once, wherever it stands, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait, STOP_S_MAX)

    def suspend(self) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it stood."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to stop in order, and give its exit status."""
        assert self._process is not None
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait, STOP_S_MAX)

    async def end(self) -> None:
        """End it, whatever its state; for the end of a test."""
        if self._process is not None and self._process.poll() is None:
            await self.kill()


@asynccontextmanager
async def launching(settings: Settings, logs: Path) -> AsyncIterator[Callable[..., ServiceProcess]]:
    """Give what makes processes of the services named; they end with the block."""
    made: list[ServiceProcess] = []

    def make(*names: str, address: str | None = None, role: str | None = None) -> ServiceProcess:
        log = logs / f"process-{len(made)}.log"
        made.append(ServiceProcess(names, settings, log=log, address=address, role=role))
        return made[-1]

    try:
        yield make
    finally:
        for process in made:
            await process.end()


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Give the variables by which a process gets these settings, and none of the tests' own."""
    password = settings.database_service_password
    own = {
        "PAYSTREAM_ENVIRONMENT": settings.environment,
        "PAYSTREAM_DATABASE_URL": settings.database_url.get_secret_value(),
        "PAYSTREAM_DATABASE_SERVICE_PASSWORD": password.get_secret_value() if password else "",
        "PAYSTREAM_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "PAYSTREAM_REGISTRY_URL": settings.registry_url,
        "PAYSTREAM_TOPIC_PREFIX": settings.topic_prefix,
        "PAYSTREAM_CACHE_DIR": str(settings.cache_dir),
        "PAYSTREAM_CHANNEL_ADDRESS": settings.channel_address or "",
        "PAYSTREAM_GRPC_CALLS_MAX": str(settings.grpc_calls_max),
        "PAYSTREAM_GRPC_PENDING_MAX": str(settings.grpc_pending_max),
        "PAYSTREAM_PEERS": json.dumps(settings.peers),
        "PAYSTREAM_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    telling = {f"PAYSTREAM_{name.upper()}": str(value) for name in TELLING if (value := getattr(settings, name))}
    return {name: text for name, text in os.environ.items() if not name.startswith("PAYSTREAM_")} | own | telling | more


def verify_ledger(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """Run `paystream ledger verify` on the services' database."""
    return _verify("ledger", settings)


def verify_settlements(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """Run `paystream settlement verify`, which holds all that the ledger booked against what was collected."""
    return _verify("settlement", settings)


def verify_reconciliation(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """Run `paystream recon verify`, which holds what became of lines and movements against all there are."""
    return _verify("recon", settings)


def _verify(part: str, settings: Settings) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "paytools.cli.main", part, "verify"]
    return subprocess.run(
        argv, env=environment(settings), cwd=ROOT, capture_output=True, text=True, timeout=STOP_S_MAX, check=False
    )
