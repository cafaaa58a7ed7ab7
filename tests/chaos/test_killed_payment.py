"""The payment process is killed again and again, and keeps whatever it acknowledged, and tells of it in order."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from paykit.base.config import Settings
from paykit.events.event import Event
from paykit.testing import hosts
from services.channel.service import SERVICE as CHANNEL
from services.merchant.service import SERVICE as MERCHANT
from tests.chaos.conftest import Launch
from tests.chaos.flow import Flow
from tests.line import topics
from tests.line.books import Books
from tests.line.clients import connected, new_merchant
from tests.line.processes import ServiceProcess
from tests.line.waiting import until

pytestmark = pytest.mark.chaos

SEED = 20260302
PAYMENTS = 5_000
MERCHANTS = 8
SINGLE = 528
"""Payments asked for one by one, by several callers at once; the others come in batches."""
CALLERS = 8
BATCH = 48
PAUSE_S = 0.2
KILLS = 8
SERVING_S_MAX = 2.0
"""The longest life of a process once it serves."""
LOST_ANSWER_MINOR, LOST_CALL_MINOR, DECLINED_MINOR = 9_003, 9_004, 9_001
"""Amounts that the simulated acquirer answers with silence, after and before it took the money, and with a refusal."""
UNUSUAL = {10: LOST_ANSWER_MINOR, 20: LOST_CALL_MINOR, 30: DECLINED_MINOR}


def amount_of(number: int) -> int:
    return UNUSUAL.get(number % 100, 1_000)


async def kill_again_and_again(payment: ServiceProcess, flowing: "asyncio.Future[list[None]]") -> int:
    """Kill payment at random instants, restarting it at once; give how often it died while payments came in."""
    chance = random.Random(SEED)  # noqa: S311 - chooses instants
    died_working = 0
    for _ in range(KILLS):
        await until(payment.serves)
        await asyncio.sleep(chance.uniform(0, SERVING_S_MAX))
        died_working += not flowing.done()
        await payment.kill()
        payment.spawn()
    return died_working


async def test_every_acknowledged_payment_is_kept_and_told_of_in_order_however_often_payment_is_killed(
    settings: Settings, launch: Launch, kept: Books
) -> None:
    payment = launch("payment")
    async with (
        hosts.hosted([MERCHANT, CHANNEL], settings),
        connected({"merchant": settings.grpc_address, "payment": payment.address}) as clients,
    ):
        await payment.start()
        flow = Flow(clients, [await new_merchant(clients, {"USD": (290, 30)}) for _ in range(MERCHANTS)], amount_of)
        await flow.begin(MERCHANTS)
        batches = flow.run(PAYMENTS - MERCHANTS - SINGLE, batch=BATCH, pause_s=PAUSE_S)
        flowing = asyncio.gather(batches, *(flow.run_singly(SINGLE // CALLERS) for _ in range(CALLERS)))
        try:
            died_working = await kill_again_and_again(payment, flowing)
            flow.hurried.set()
            await flowing
        finally:
            flowing.cancel()
        await until(lambda: _ended(kept))
    assert died_working >= 4
    assert len(flow.acknowledged) == len(set(flow.acknowledged)) == PAYMENTS
    await assert_kept_and_told(settings, kept, flow.acknowledged)


async def _ended(kept: Books) -> bool:
    open_payments = "SELECT count(*) FROM payment.payment WHERE state NOT IN ('SUCCEEDED', 'FAILED')"
    return await kept.number(open_payments) == 0 and await kept.drained("payment")


async def assert_kept_and_told(settings: Settings, kept: Books, acknowledged: Sequence[str]) -> None:
    states = {r["payment_id"]: r["state"] for r in await kept.rows("SELECT payment_id, state FROM payment.payment")}
    assert states.keys() == set(acknowledged)
    assert {p for p, state in states.items() if state == "SUCCEEDED"} == await charged_payments(kept)
    told = topics.by_key(topics.once(await topics.events(settings, "payment.events")))
    assert told.keys() == set(acknowledged)
    assert [p for p, events in told.items() if not _is_journey(events, states[p])] == []


async def charged_payments(kept: Books) -> set[str]:
    """Give the payments whose money the acquirer took, by its own tables."""
    sql = """
        SELECT payment_id FROM payment.attempt JOIN channel.channel_transaction USING (attempt_id)
        WHERE channel_transaction.outcome = 'APPROVED'
    """
    return {row["payment_id"] for row in await kept.rows(sql)}


def _is_journey(events: Sequence[Event], state: str) -> bool:
    """Say whether events are a payment's whole story, in order."""
    names = [type(event).__name__ for event in events]
    last = {"SUCCEEDED": "PaymentSuccess", "FAILED": "PaymentFailed"}[state]
    versions = [event.aggregate_version for event in events]
    return versions == list(range(1, len(events) + 1)) and (
        names in (["PaymentCreated", last], ["PaymentCreated", "PaymentUnknown", last])
    )
