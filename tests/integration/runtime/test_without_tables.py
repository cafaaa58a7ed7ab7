"""A service that keeps no tables: it answers calls, and needs neither PostgreSQL, Kafka nor a registry for that."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.process.service import Service
from paykit.testing import hosts
from paystream.clock.v1 import clock_pb2 as pb
from paystream.clock.v1 import clock_pb2_grpc
from paytools.cli.main import main
from paytools.localstack import Endpoints, ports
from paytools.localstack.parts import probes

SERVICE = Service(name="tableless")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A development stack of which nothing runs."""
    nobody = f"127.0.0.1:{ports.choose(0, taken=set())}"
    return Settings(
        environment="development",
        database_url=SecretStr(f"postgresql://{nobody}/paystream"),
        kafka_bootstrap=nobody,
        registry_url=f"http://{nobody}",
        grpc_address="127.0.0.1:0",
        cache_dir=tmp_path,
        shutdown_grace_s=1.0,
    )


async def test_it_serves_alone_and_has_no_clock_to_show_or_move(settings: Settings) -> None:
    advance = pb.AdvanceClockRequest(request_id=str(uuid.uuid4()))
    advance.advance_by.FromTimedelta(timedelta(hours=26))
    async with hosts.hosted([SERVICE], settings) as host:
        assert host.server is not None
        assert await asyncio.to_thread(probes.service, host.server.address)
        async with grpc.aio.insecure_channel(host.server.address) as channel:
            stub = clock_pb2_grpc.ClockServiceStub(channel)
            assert await stub.GetClock(pb.GetClockRequest()) == pb.GetClockResponse()
            assert await stub.AdvanceClock(advance) == pb.AdvanceClockResponse()


async def test_the_clock_command_says_that_nobody_has_a_clock(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with hosts.hosted([SERVICE], settings) as host:
        assert host.server is not None
        Endpoints(kafka="", registry="", postgres="", services={"tableless": host.server.address}).write(tmp_path)
        for arguments in (["show"], ["advance", "26h"]):
            with pytest.raises(SystemExit) as ended:
                await asyncio.to_thread(main, ["clock", *arguments, "--home", str(tmp_path)])
            assert (ended.value.code, capsys.readouterr().err) == (1, "error: no service has a clock\n")


def test_a_schema_that_no_service_has_is_neither_made_nor_migrated(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("init", "migrate"):
        with pytest.raises(SystemExit) as ended:
            main(["db", command, "tableless"])
        assert ended.value.code == 2
        assert "tableless: no schema has this name" in capsys.readouterr().err


def test_there_are_no_dead_letters_to_look_at_where_there_are_no_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAYSTREAM_DATABASE_URL", "postgresql://127.0.0.1:1/paystream")
    with pytest.raises(SystemExit) as ended:
        main(["dlq", "list", "journey"])
    assert (ended.value.code, capsys.readouterr().err) == (
        1,
        "error: journey keeps no tables: there is nothing to look at\n",
    )
