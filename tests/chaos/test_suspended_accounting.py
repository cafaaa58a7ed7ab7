"""An accounting process stands still in the middle of a transaction, loses its partitions, and comes back."""

import asyncio

import asyncpg
import pytest

from paykit.runtime.config import Settings
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
from tests.line.waiting import WAIT_S_MAX, until

pytestmark = pytest.mark.chaos

MERCHANTS = 2
PORTION = 100
"""Payments before, while and after the process stands still, and once it is alone again."""

# Sessions of the ledger's consumers that wait for a lock, and those that a stopped process left in a transaction.
_WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'paystream-accounting' AND wait_event_type = 'Lock'"
)
_STANDING = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'idle in transaction'"


async def suspend_in_a_transaction(process: ServiceProcess, kept: Books, admin_url: str) -> int:
    """Stop a process whose transaction has begun to book, and give the pid of its session."""
    gate = await asyncpg.connect(admin_url.replace("+asyncpg", ""))
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                session = await _suspend_at_the_gate(process, kept, gate)
                if await kept.number(_STANDING, session) == 1:
                    return session
                process.resume()  # It gave up waiting just before it was stopped.
    finally:
        await gate.close()


async def _suspend_at_the_gate(process: ServiceProcess, kept: Books, gate: asyncpg.Connection) -> int:
    async with gate.transaction():
        await gate.execute("LOCK TABLE accounting.transaction IN SHARE MODE")
        waiting = await until(lambda: kept.rows(_WAITING))
        process.suspend()
    session = int(waiting[0]["pid"])

    async def passed() -> bool:
        return session not in {row["pid"] for row in await kept.rows(_WAITING)}

    await until(passed)
    await asyncio.sleep(0.5)  # The statement that waited ends.
    return session


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
        session = await suspend_in_a_transaction(stopped, kept, admin_url)
        await flowing
        assert len(await kept.booked()) < MERCHANTS + 2 * PORTION
        assert await kept.number(_STANDING, session) == 1
        await other.start()
        await settle(MERCHANTS + 2 * PORTION)
        assert await kept.number(_STANDING, session) == 0

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
