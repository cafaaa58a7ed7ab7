"""`paystream clock` on processes that run: all of a service's follow, and production has no such service."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from paykit.base.config import Settings
from paykit.clock import OffsetClock
from paykit.process.host import Host
from paykit.testing import hosts
from paytools.cli.main import main
from tests import probe
from tests.e2e.runtime.flow import until

REAL_TIME = "knows real time alone"


def write_endpoints(home: Path, *running: Host) -> None:
    services = {f"probe{i}": host.server.address for i, host in enumerate(running) if host.server}
    (home / "endpoints.json").write_text(json.dumps({"services": services}))


async def clock(home: Path, *arguments: str) -> None:
    """Run the command beside the services, which answer from this very process."""
    await asyncio.to_thread(main, ["clock", *arguments, "--home", str(home)])


def ahead(host: Host) -> timedelta:
    followed = host.runtimes[0].clock
    assert isinstance(followed, OffsetClock)
    return followed.offset


async def test_all_processes_of_a_service_follow_the_clock(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with hosts.hosted([probe.SERVICE], settings) as first, hosts.hosted([probe.SERVICE], settings) as second:
        write_endpoints(tmp_path, first)
        with pytest.raises(SystemExit) as done:
            await clock(tmp_path, "advance", "26h")
        assert done.value.code == 0
        assert "probe    " in capsys.readouterr().out

        async def followed() -> bool:
            return ahead(second) == timedelta(hours=26)

        assert ahead(first) == timedelta(hours=26)
        await until(followed)
        with pytest.raises(SystemExit):
            await clock(tmp_path, "show")
        assert any(line.endswith("1 day, 2:00:00") for line in capsys.readouterr().out.splitlines())


async def test_production_serves_no_clock(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    async with hosts.hosted([probe.SERVICE], production) as host:
        write_endpoints(tmp_path, host)
        with pytest.raises(SystemExit) as done:
            await clock(tmp_path, "advance", "26h")
        assert done.value.code == 1
        assert REAL_TIME in capsys.readouterr().err
        assert ahead(host) == timedelta(0)


async def test_a_stack_that_is_down_has_no_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        await clock(tmp_path, "show")
    assert done.value.code == 1
    assert "paystream up" in capsys.readouterr().err
