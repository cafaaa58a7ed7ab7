"""The channel, called as a servicer on a database of its own."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from paykit.clock import ManualClock
from paykit.ids import new_id
from paykit.runtime.runtime import Runtime
from paykit.testing.runtimes import act_as
from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from services.channel.rpc import ChannelServicer
from services.channel.service import SERVICE
from tests.conftest import RuntimeOf

NIGHT = datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC)
ANY: Any = None


class House:
    """The channel and its clock."""

    def __init__(self, runtime: Runtime, clock: ManualClock) -> None:
        self.runtime = runtime
        self.clock = clock
        self.call = ChannelServicer(runtime)

    async def authorize(self, amount_minor: int, *, within_s: float = 5.0, **changes: Any) -> pb.Transaction:
        act_as("payment", correlation_id="cor_channel").deadline = time.monotonic() + within_s
        return (await self.call.Authorize(authorize_request(amount_minor, **changes), ANY)).transaction

    async def refund(self, reference: str, amount_minor: int, **changes: Any) -> pb.Transaction:
        request = follow_up(pb.RefundRequest, reference, amount_minor, **changes)
        return (await self.call.Refund(request, ANY)).transaction

    async def capture(self, reference: str, amount_minor: int, **changes: Any) -> pb.Transaction:
        request = follow_up(pb.CaptureRequest, reference, amount_minor, **changes)
        return (await self.call.Capture(request, ANY)).transaction

    async def inquire(self, attempt_id: str) -> pb.InquireResponse:
        return await self.call.Inquire(pb.InquireRequest(attempt_id=attempt_id), ANY)

    async def behave(self, merchant_id: str = "", **changes: Any) -> None:
        given = {"fee_basis_points": 150, "finality_seconds": 5} | changes
        request = pb.SetBehaviourRequest(merchant_id=merchant_id, behaviour=pb.Behaviour(**given))
        await self.call.SetBehaviour(request, ANY)

    async def lines(self) -> list[Any]:
        """Give the events in the outbox, in order."""
        rows = await self.runtime.read(lambda tx: tx.fetch("SELECT value FROM outbox ORDER BY id"))
        return [self.runtime.codec.decode(row["value"]) for row in rows]

    async def count(self, table: str) -> int:
        rows = await self.runtime.read(lambda tx: tx.fetch(f"SELECT count(*) AS n FROM {table}"))
        return int(rows[0]["n"])


def authorize_request(amount_minor: int, **changes: Any) -> pb.AuthorizeRequest:
    given: dict[str, Any] = {
        "attempt_id": new_id("att"),
        "merchant_id": "mer_1",
        "amount": Money(amount_minor=amount_minor, currency_code="USD"),
        "method_token": "tok_1",
        "capture": True,
    }
    return pb.AuthorizeRequest(**given | changes)


def follow_up(request_type: Any, reference: str, amount_minor: int, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "attempt_id": new_id("att"),
        "authorization_reference": reference,
        "amount": Money(amount_minor=amount_minor, currency_code="USD"),
    }
    return request_type(**given | changes)


@pytest.fixture
async def house(runtime_of: RuntimeOf) -> House:
    clock = ManualClock(NIGHT)
    runtime = await runtime_of(SERVICE, clock=clock)
    act_as("payment", correlation_id="cor_channel")
    return House(runtime, clock)


async def all_of(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)
