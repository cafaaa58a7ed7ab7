"""A process that only consumes says over HTTP whether it is ready, and why not."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import asyncpg

from paykit.base.config import Settings
from paykit.base.health import HealthBoard
from paykit.base.metrics import MetricsServer
from paykit.process.host import Host
from paykit.testing import hosts
from tests import probe
from tests.e2e.runtime.flow import emit, until
from tests.e2e.runtime.test_halts import administrator, created

__all__ = ["administrator"]


def ready(server: MetricsServer) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://{server.address}/readyz", timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


async def test_a_worker_is_not_ready_while_a_partition_is_halted_and_is_again_when_it_goes_on(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    board = HealthBoard()
    server = MetricsServer("127.0.0.1:0", health=board)
    worker = Host([probe.SERVICE], settings.model_copy(update={"role": "worker"}), health=board)

    async def answers(status: int, *problems: str) -> bool:
        code, answer = await asyncio.to_thread(ready, server)
        return code == status and {each["problem"] for each in answer["problems"]} == {*problems}

    try:
        assert await answers(503, "STARTING")
        await worker.start()
        await until(lambda: answers(200))
        await administrator.execute("ALTER TABLE probe.seen RENAME TO hidden")
        async with hosts.hosted([probe.SERVICE], settings.model_copy(update={"role": "relay"})) as relaying:
            await emit(relaying.runtimes[0], created(60))
            await until(lambda: answers(503, "PARTITION_HALTED"))
            assert board.live()[0] == 200
            await administrator.execute("ALTER TABLE probe.hidden RENAME TO seen")
            await until(lambda: answers(200))
    finally:
        await worker.stop()
        assert await answers(503, "STOPPING")
        server.close()
