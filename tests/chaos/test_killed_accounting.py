"""The accounting process is killed again and again, and the ledger books every capture exactly once."""

import asyncio
import random

import pytest

from paykit.base.config import Settings
from paykit.testing import hosts
from services.channel.service import SERVICE as CHANNEL
from services.merchant.service import SERVICE as MERCHANT
from services.payment.service import SERVICE as PAYMENT
from tests.chaos.conftest import Launch
from tests.chaos.flow import Flow
from tests.chaos.proof import AMOUNT_MINOR, FEES, assert_booked_once
from tests.line.books import Books
from tests.line.clients import connected, new_merchant
from tests.line.processes import ServiceProcess
from tests.line.waiting import until

pytestmark = pytest.mark.chaos

SEED = 20260301
PAYMENTS = 5_000
MERCHANTS = 8
BATCH = 52
PAUSE_S = 0.6
"""So that payments flow for as long as accounting is killed."""
ROUNDS = 4
"""Of two kills each: one while it starts, one while it books."""
STARTING_S_MAX = 3.0
BOOKING_S_MAX = 0.4


async def kill_again_and_again(accounting: ServiceProcess, kept: Books, flowing: "asyncio.Task[None]") -> int:
    """Kill accounting at random instants, restarting it at once; give how often it died while it was booking."""
    chance = random.Random(SEED)  # noqa: S311 - chooses instants
    died_booking = 0
    for _ in range(ROUNDS):
        before = len(await kept.booked())

        async def books(before: int = before) -> bool:
            return flowing.done() or len(await kept.booked()) > before

        await until(books)
        await asyncio.sleep(chance.uniform(0, BOOKING_S_MAX))
        died_booking += not flowing.done()
        await accounting.kill()
        accounting.spawn()
        await asyncio.sleep(chance.uniform(0, STARTING_S_MAX))
        await accounting.kill()
        accounting.spawn()
    return died_booking


async def test_each_capture_is_booked_exactly_once_however_often_accounting_is_killed(
    settings: Settings, launch: Launch, kept: Books
) -> None:
    accounting = launch("accounting")
    async with hosts.hosted([MERCHANT, PAYMENT, CHANNEL], settings), connected(settings.grpc_address) as clients:
        flow = Flow(clients, [await new_merchant(clients, FEES) for _ in range(MERCHANTS)], lambda _: AMOUNT_MINOR)
        await flow.begin(MERCHANTS)
        await accounting.start()
        flowing = asyncio.create_task(flow.run(PAYMENTS - MERCHANTS, batch=BATCH, pause_s=PAUSE_S))
        try:
            died_booking = await kill_again_and_again(accounting, kept, flowing)
            flow.hurried.set()
            await flowing
        finally:
            flowing.cancel()

        async def all_booked() -> bool:
            return len(await kept.booked()) >= PAYMENTS and await kept.drained("payment", "accounting")

        await until(all_booked)
    assert died_booking >= 2
    await assert_booked_once(settings, kept, payments=PAYMENTS)
