"""An accounting process stands still in the middle of a transaction, loses its partitions, and comes back."""

import asyncio

import pytest

from paykit.base.config import Settings
from paykit.testing import hosts
from services.channel.service import SERVICE as CHANNEL
from services.merchant.service import SERVICE as MERCHANT
from services.payment.service import SERVICE as PAYMENT
from tests.chaos.conftest import Launch
from tests.chaos.flow import Flow
from tests.chaos.proof import AMOUNT_MINOR, FEES, assert_booked_once
from tests.chaos.stopped_process import stands, suspend_in_a_transaction
from tests.line.books import Books
from tests.line.clients import connected, new_merchant
from tests.line.waiting import until

pytestmark = pytest.mark.chaos

MERCHANTS = 2
PORTION = 100
"""Payments before, while and after the process stands still, and once it is alone again."""


async def test_a_process_that_returns_after_its_partitions_moved_does_no_harm(
    settings: Settings, launch: Launch, kept: Books, admin_url: str
) -> None:
    stopped, other = launch("accounting"), launch("accounting")
    async with hosts.hosted([MERCHANT, PAYMENT, CHANNEL], settings), connected(settings.grpc_address) as clients:
        flow = Flow(clients, [await new_merchant(clients, FEES) for _ in range(MERCHANTS)], lambda _: AMOUNT_MINOR)

        async def settle(count: int) -> None:
            await until(lambda: _booked(kept, count))

        await flow.begin(MERCHANTS)
        await stopped.start()
        await flow.run(PORTION, batch=PORTION, pause_s=0)
        await settle(MERCHANTS + PORTION)

        flowing = asyncio.create_task(flow.run(PORTION, batch=5, pause_s=0.1))
        session = await suspend_in_a_transaction(stopped, kept, table="accounting.journal", admin_url=admin_url)
        await flowing
        assert len(await kept.booked()) < MERCHANTS + 2 * PORTION
        await other.start()
        await settle(MERCHANTS + 2 * PORTION)

        async def ended() -> bool:
            return not await stands(kept, session)

        await until(ended)
        stopped.resume()
        await flow.run(PORTION, batch=5, pause_s=0.1)
        await settle(MERCHANTS + 3 * PORTION)
        assert await other.stop() == 0
        await flow.run(PORTION, batch=5, pause_s=0.1)
        await settle(MERCHANTS + 4 * PORTION)
        assert await stopped.serves()
        await until(lambda: kept.drained("payment", "accounting"))
    await assert_booked_once(settings, kept, payments=MERCHANTS + 4 * PORTION)


async def _booked(kept: Books, count: int) -> bool:
    return len(await kept.booked()) >= count
