"""Figures of a sale, as operators see them: drawn, as JSON, and as they change."""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.analytics.v1 import analytics_pb2_grpc
from paytools.cli.main import main
from paytools.localstack import Endpoints
from tests.e2e.conftest import Line
from tests.line import selling
from tests.line.clients import first_payment, payment_request
from tests.line.draining import drained
from tests.line.replies import interceptors

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
async def sale(line: Line) -> selling.Sale:
    sale = await selling.sell(line.clients)
    await drained(line.settings, line.kept)
    return sale


async def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["stats", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


async def test_the_command_draws_what_was_sold(
    line: Line, sale: selling.Sale, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    address = line.settings.grpc_address
    Endpoints(kafka="", registry="", postgres="", services={"analytics": address}).write(tmp_path)
    lines = (await printed(capsys, "--since", "3d", "--by", "method", "--home", str(tmp_path))).splitlines()
    assert "USD" in lines
    drawn = [text.split() for text in lines]
    assert ["captured", "█" * 30, "100.00", "USD", "1x"] in drawn
    assert ["CARD", "█" * 30, "100.00", "USD", "1x"] in drawn
    of_one = await printed(capsys, "--merchant", sale.merchant_id, "--json", "--address", address)
    answer = json.JSONDecoder().raw_decode(of_one)[0]
    assert answer["totals"][0]["figures"]["captured"]["amount_minor"] == "10000"


async def test_a_stream_shows_the_next_capture(line: Line, sale: selling.Sale) -> None:
    async with grpc.aio.insecure_channel(line.settings.grpc_address, interceptors=interceptors()) as channel:
        stub: Any = analytics_pb2_grpc.AnalyticsOperationsServiceStub(channel)
        call = stub.StreamMetrics(pb.StreamMetricsRequest(merchant_id=sale.merchant_id, interval_ms=100))
        async with asyncio.timeout(PATIENCE_S):
            assert not (await call.read()).rows
            await first_payment(line.clients, payment_request(sale.merchant_id, 700))
            while not any(int(row.figures.captured.amount_minor or 0) >= 700 for row in (await call.read()).rows):
                pass
        call.cancel()
