"""A Prometheus of its own for a test, which scrapes one address and loads our rules."""

import asyncio
import math
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import yaml

from paytools.localstack import ports
from tests.line.waiting import until

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"
SCRAPE_EVERY = "2s"
ANSWER_S_MAX = 30.0
STOP_S_MAX = 30.0


def program() -> str | None:
    """Find the binary; None where it is not installed."""
    return shutil.which("prometheus")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a query.

    Attributes:
        error: What Prometheus says is wrong with it; empty if nothing is.
        values: By the labels of the series.
    """

    error: str
    values: Mapping[frozenset[tuple[str, str]], float]

    @property
    def any_number(self) -> bool:
        """Whether a series has a number, and not only what was divided by nothing."""
        return any(not math.isnan(value) for value in self.values.values())


class Prometheus:
    """Its HTTP API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ready(self) -> bool:
        try:
            return (await self._client.get("/-/ready")).is_success
        except httpx.TransportError:
            return False

    async def query(self, expr: str) -> Answer:
        body = (await self._client.get("/api/v1/query", params={"query": expr})).json()
        result: list[Any] = body.get("data", {}).get("result", [])
        values = {frozenset(row["metric"].items()): float(row["value"][1]) for row in result}
        return Answer(body.get("error", ""), values)

    async def rules(self) -> list[dict[str, Any]]:
        """Give every rule as it was evaluated last."""
        groups = (await self._client.get("/api/v1/rules")).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def _spawn(arguments: Sequence[str], log: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(arguments, stdout=log, stderr=log)


@asynccontextmanager
async def running(target: str, directory: Path) -> AsyncIterator[Prometheus]:
    """Run it until the block ends; `program` must have found it."""
    config = {
        "global": {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY},
        "rule_files": [str(RULES / name) for name in ("alerts.yml", "slos.yml")],
        "scrape_configs": [{"job_name": "paystream", "static_configs": [{"targets": [target]}]}],
    }
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{ports.choose(0, taken=set())}"
    arguments = (
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
    )
    with (directory / "log").open("wb") as log:
        process = _spawn([str(program()), *arguments], log)
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=ANSWER_S_MAX) as client:
            prometheus = Prometheus(client)
            await until(prometheus.ready)
            yield prometheus
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, STOP_S_MAX)
