"""The channel, called as a servicer on a database of its own."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.clock import ManualClock
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import act_as
from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from services.channel import jobs
from services.channel.rpc.latency import Latency
from services.channel.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.integration.channel.listening import Listener, serving
from tests.line.replies import checked
from tests.line.servicers import ChannelCalls

NIGHT = datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC)
ANY: Any = None


class House:
    """The channel and its clock."""

    def __init__(self, runtime: Runtime, clock: ManualClock) -> None:
        self.runtime = runtime
        self.clock = clock
        self.call = checked(ChannelCalls(runtime, Latency(runtime)))

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
        request = pb.SetBehaviourRequest(
            request_id=str(uuid.uuid4()), merchant_id=merchant_id, behaviour=pb.Behaviour(**given)
        )
        await self.call.SetBehaviour(request, ANY)

    async def pay(self, amount_minor: int, **changes: Any) -> pb.Transaction:
        given: dict[str, Any] = {
            "attempt_id": new_id("att"),
            "merchant_id": "mer_1",
            "amount": Money(amount_minor=amount_minor, currency_code="USD"),
            "destination_token": "tok_account",
            "related_no": "wdr_1",
        }
        return (await self.call.Pay(pb.PayRequest(**given | changes), ANY)).transaction

    async def set_outcome(self, attempt_id: str, outcome: str, amount_minor: int | None = None) -> pb.Transaction:
        request = pb.SetOutcomeRequest(
            request_id=str(uuid.uuid4()), attempt_id=attempt_id, outcome=pb.LateOutcome.Value(f"LATE_OUTCOME_{outcome}")
        )
        if amount_minor:
            request.amount.CopyFrom(Money(amount_minor=amount_minor, currency_code="USD"))
        return (await self.call.SetOutcome(request, ANY)).transaction

    async def cancel(self, reference: str, **changes: Any) -> pb.Transaction:
        given: dict[str, Any] = {"attempt_id": new_id("att"), "authorization_reference": reference}
        return (await self.call.Cancel(pb.CancelRequest(**given | changes), ANY)).transaction

    async def dispute(self, attempt_id: str, amount_minor: int | None = None, **changes: Any) -> pb.Dispute:
        given: dict[str, Any] = {"request_id": str(uuid.uuid4()), "attempt_id": attempt_id}
        if amount_minor:
            given["amount"] = Money(amount_minor=amount_minor, currency_code="USD")
        return (await self.call.OpenDispute(pb.OpenDisputeRequest(**given | changes), ANY)).dispute

    async def respond(self, reference: str, *, contested: bool) -> pb.Dispute:
        request = pb.RespondToDisputeRequest(dispute_reference=reference, contested=contested, evidence="a receipt")
        return (await self.call.RespondToDispute(request, ANY)).dispute

    async def advance(self, reference: str, amount_minor: int | None = None, **changes: Any) -> pb.Dispute:
        """Have the payer's bank go on with a dispute."""
        given: dict[str, Any] = {"request_id": str(uuid.uuid4()), "dispute_reference": reference}
        if amount_minor is not None:
            given["amount"] = Money(amount_minor=amount_minor, currency_code="USD")
        return (await self.call.AdvanceDispute(pb.AdvanceDisputeRequest(**given | changes), ANY)).dispute

    async def get_dispute(self, reference: str) -> pb.Dispute:
        return (await self.call.GetDispute(pb.GetDisputeRequest(dispute_reference=reference), ANY)).dispute

    async def references(self) -> list[str]:
        """Give the references of all disputes."""
        rows = await self.runtime.read(lambda tx: tx.fetch("SELECT dispute_reference FROM dispute ORDER BY 1"))
        return [row[0] for row in rows]

    async def pass_time(self, **time: float) -> None:
        """Let time pass, and do what is due then."""
        self.clock.advance(timedelta(**time))
        for job in (jobs.resolve_open, jobs.bring_about_aftereffects, jobs.decide_disputes):
            await job(self.runtime)

    async def lines(self) -> list[Any]:
        """Give the events in the outbox, in order."""
        return [self.runtime.codec.decode(row["value"]) for row in await outbox_events(self.runtime)]

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


database_url = shared_database.of_a_module()
emptied = shared_database.emptied("channel")


@pytest.fixture
async def house(runtime_of: RuntimeOf) -> House:
    clock = ManualClock(NIGHT)
    runtime = await runtime_of(SERVICE, clock=clock)
    act_as("payment", correlation_id="cor_channel")
    return House(runtime, clock)


@pytest.fixture
async def listening() -> AsyncIterator[tuple[Listener, str]]:
    async with serving(Listener()) as (listener, address):
        yield listener, address


async def all_of(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)
