"""Two processes of each role, for each service, at once: calls, consumers and jobs, relays. All are killed in turn."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
import pytest

from paykit.base.config import Settings
from paykit.testing import hosts
from paystream.payment.v1 import payment_pb2
from services.channel.service import SERVICE as CHANNEL
from tests.chaos.conftest import Launch
from tests.chaos.proof import AMOUNT_MINOR, FEES, assert_booked_once
from tests.line.books import Books
from tests.line.clients import Clients, connected, first_payment, new_merchant, payment_request
from tests.line.processes import ServiceProcess
from tests.line.waiting import WAIT_S_MAX, until

pytestmark = pytest.mark.chaos

SEED = 20260305
SERVICES = ("merchant", "order", "payment", "accounting", "settlement", "withdrawal", "analytics")
ROLES = ("api", "worker", "relay")
EACH = 2
CALLERS = 8
PAUSE_S = 0.1
"""Between a caller's requests, which keep coming until every process has been killed."""
MERCHANTS = 4
ALIVE_S_MAX = 1.5
"""The longest time between two kills."""
CALL_TIMEOUT_S = 10.0
LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
RETRY_PAUSE_S = 0.2
_OPEN = """
    SELECT count(*) FROM payment.payment
    WHERE state NOT IN ('SUCCEEDED', 'FAILED') OR state = 'SUCCEEDED' AND NOT EXISTS (
        SELECT FROM accounting.transaction WHERE transaction_type = 'PaymentSuccess' AND root_reference = payment_id)
"""
_BOOKED = "SELECT transaction_id FROM accounting.transaction WHERE transaction_type = 'PaymentSuccess'"
_COLLECTED = "SELECT 'txn_' || replace(transaction_id::text, '-', '') AS transaction_id FROM settlement.narrow_item"
_COUNTED = """
    SELECT sum(count)::bigint AS count, sum(amount_minor) AS amount_minor FROM analytics.figure
    WHERE measure = 'CAPTURED'
"""


@dataclass
class DoubleCallers:
    """Callers that send each request to both processes at the same time, until one of them has answered.

    Attributes:
        answers: By request id, the payments that it was answered with: the same, whoever answered.
    """

    ways: Sequence[Clients]
    merchants: Sequence[str]
    answers: dict[str, set[str]]

    async def run(self, stopping: asyncio.Event) -> None:
        for merchant_id in itertools.cycle(self.merchants):
            if stopping.is_set():
                return
            await self._ask(payment_request(merchant_id, AMOUNT_MINOR))
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, request: payment_pb2.CreatePaymentRequest) -> None:
        found = self.answers.setdefault(request.request_id, set())
        async with asyncio.timeout(WAIT_S_MAX):
            while not found:
                answered = await asyncio.gather(*(self._once(clients, request) for clients in self.ways))
                found.update(payment_id for payment_id in answered if payment_id is not None)
                if not found:
                    await asyncio.sleep(RETRY_PAUSE_S)

    async def _once(self, clients: Clients, request: payment_pb2.CreatePaymentRequest) -> str | None:
        try:
            reply = await clients.payment.CreatePayment(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() not in LOST:
                raise
            return None
        return str(reply.payment.payment_id)


async def start(processes: Sequence[ServiceProcess]) -> None:
    for process in processes:
        process.spawn()
    for process in processes:
        await until(process.has_started)


async def kill_in_turn(pairs: Mapping[str, Sequence[ServiceProcess]]) -> None:
    """Kill one process of each pair, and the other one the next time."""
    chance = random.Random(SEED)  # noqa: S311 - chooses instants
    for number in range(EACH):
        for pair in pairs.values():
            await asyncio.sleep(chance.uniform(0, ALIVE_S_MAX))
            await pair[number].kill()
            pair[number].spawn()
            await until(pair[number].has_started)


@pytest.mark.timeout(900)
async def test_two_of_each_process_book_every_payment_once_though_each_is_killed(
    settings: Settings, launch: Launch, kept: Books
) -> None:
    pairs = {role: [launch(*SERVICES, role=role) for _ in range(EACH)] for role in ROLES}
    async with (
        hosts.hosted([CHANNEL], settings),
        connected(pairs["api"][0].address) as first,
        connected(pairs["api"][1].address) as second,
    ):
        await start([process for pair in pairs.values() for process in pair])
        merchants = [await new_merchant(first, FEES) for _ in range(MERCHANTS)]
        for merchant in merchants:
            await first_payment(second, payment_request(merchant, AMOUNT_MINOR))
        callers = DoubleCallers(ways=(first, second), merchants=merchants, answers={})
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(callers.run(stopping))
            await kill_in_turn(pairs)
            stopping.set()

        async def all_ended() -> bool:
            return await kept.number(_OPEN) == 0 and await kept.drained(*SERVICES)

        async def all_followed() -> bool:
            booked = await kept.rows(_BOOKED)
            [counted] = await kept.rows(_COUNTED)
            return len(await kept.rows(_COLLECTED)) >= len(booked) <= (counted["count"] or 0)

        await until(all_ended)
        await until(all_followed)
        leading = [await process.metric("paystream_relay_leading", service="payment") for process in pairs["relay"]]
    assert sorted(leading) == [0.0, 1.0]
    assert {len(found) for found in callers.answers.values()} == {1}
    payments = len({payment_id for found in callers.answers.values() for payment_id in found})
    assert payments == len(callers.answers) > CALLERS
    assert await kept.number("SELECT count(*) FROM payment.payment") == payments + MERCHANTS
    # A worker that dies between claiming an attempt and sending it leaves one that the acquirer has not received.
    failed = await kept.rows("SELECT failure_reason FROM payment.payment WHERE state = 'FAILED'")
    assert {row["failure_reason"] for row in failed} <= {"NOT_RECEIVED"}
    succeeded = payments + MERCHANTS - len(failed)
    await assert_booked_once(settings, kept, payments=succeeded)
    # What follows the ledger has each transaction once as well: settlement as an item, analytics in its figures.
    booked = Counter(row["transaction_id"] for row in await kept.rows(_BOOKED))
    assert Counter(row["transaction_id"] for row in await kept.rows(_COLLECTED)) == booked
    assert [tuple(row) for row in await kept.rows(_COUNTED)] == [(succeeded, succeeded * AMOUNT_MINOR)]
