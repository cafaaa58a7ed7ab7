"""Calls that wait for an outcome: how often is looked for it, and what they are answered."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, Kind
from paykit.postgres.wakeups import OUTCOMES, Wakeups
from paykit.serve.edge import Slots
from paykit.serve.outcomes import awaiting
from paykit.serve.outcomes.awaiting import Awaited, Outcomes, shown
from paykit.testing.runtimes import act_as
from paystream.payment.v1 import payment_pb2 as pb

T = TypeVar("T")
CREATED, SUCCEEDED, UNKNOWN = pb.PAYMENT_STATE_CREATED, pb.PAYMENT_STATE_SUCCEEDED, pb.PAYMENT_STATE_UNKNOWN
PATIENCE_S = 30
ANY: Any = None


class Books:
    """What a runtime has for those who look: rows by id, and how many transactions read them."""

    def __init__(self) -> None:
        self.wakeups = Wakeups(dsn="", schema="payment")
        self.outcome_waiters_max = 2_000
        self.rows: dict[str, pb.Payment] = {}
        self.transactions = 0
        self.outages_left = 0
        self.failure: Exception | None = None

    async def read(self, query: Callable[[Any], Awaitable[T]]) -> T:
        self.transactions += 1
        await asyncio.sleep(0)
        if self.outages_left:
            self.outages_left -= 1
            raise UnavailableError("away")
        if self.failure is not None:
            raise self.failure
        return await query(ANY)

    async def by_key(self, _tx: Any, keys: Collection[str]) -> dict[str, pb.Payment]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    def put(self, payment_id: str, state: pb.PaymentState.ValueType) -> None:
        self.rows[payment_id] = pb.Payment(payment_id=payment_id, state=state)

    def conclude(self, *payment_ids: str) -> None:
        """Commit outcomes, in one transaction."""
        for payment_id in payment_ids:
            self.put(payment_id, SUCCEEDED)
        self.wakeups.signal(OUTCOMES)


class Desk:
    """Calls that create payments, or read them, and wait."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.outcomes = Outcomes(books)
        self.awaited = Awaited(
            read=books.by_key,
            concluded=lambda payment: payment.state not in {CREATED, UNKNOWN},
            show=shown(lambda payment: pb.CreatePaymentResponse(payment=payment)),
        )

    async def create(self, payment_id: str, *, wait_s: float = PATIENCE_S, known_as: str = "") -> pb.Payment:
        async def accept() -> pb.CreatePaymentResponse:
            await asyncio.sleep(0)
            if not known_as:
                self.books.put(payment_id, CREATED)
            return pb.CreatePaymentResponse(payment=pb.Payment(payment_id=known_as or payment_id, state=CREATED))

        reply = await self.outcomes.after(
            accept, _request(wait_s), self.awaited, key=payment_id, key_of=lambda reply: reply.payment.payment_id
        )
        return reply.payment

    async def get(self, payment_id: str, *, wait_s: float = PATIENCE_S) -> pb.Payment:
        reply = await self.outcomes.get(_request(wait_s), self.awaited, key=payment_id, missing=PaymentMissing)
        return reply.payment


class PaymentMissing(DomainError):
    kind = Kind.NOT_FOUND
    reason = "PAYMENT_NOT_FOUND"


def _request(wait_s: float) -> pb.CreatePaymentRequest:
    wait_for = Duration()
    wait_for.FromMilliseconds(round(wait_s * 1_000))
    return pb.CreatePaymentRequest(wait_for=wait_for)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    act_as("shop")
    made = Desk(Books())
    yield made
    assert made.outcomes.waiting == 0
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "outcomes" and not task.cancelling()] == []


async def begun(*calls: Any) -> list[asyncio.Task[pb.Payment]]:
    """Begin calls, and let them come as far as they come."""
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(10):
        await asyncio.sleep(0)
    return tasks


async def test_a_thousand_calls_that_wait_cost_no_more_transactions_than_outcomes(desk: Desk) -> None:
    ids = [f"pay_{number}" for number in range(1_000)]
    calls = await begun(*map(desk.create, ids))
    assert (desk.outcomes.waiting, desk.books.transactions) == (1_000, 0)
    for at in range(0, 1_000, 50):  # 20 transactions of 50 outcomes.
        desk.books.conclude(*ids[at : at + 50])
        await asyncio.sleep(0.001)
    async with asyncio.timeout(PATIENCE_S):
        answers = await asyncio.gather(*calls)
    assert {answer.payment_id for answer in answers if answer.state == SUCCEEDED} == set(ids)
    assert 1 <= desk.books.transactions <= 20


async def test_outcomes_one_by_one_are_each_answered_by_one_look(desk: Desk) -> None:
    calls = await begun(desk.create("pay_1"), desk.create("pay_2"))
    for call, payment_id in zip(calls, ("pay_1", "pay_2"), strict=True):
        desk.books.conclude(payment_id)
        async with asyncio.timeout(PATIENCE_S):
            assert (await call).payment_id == payment_id
    assert desk.books.transactions == 2


async def test_when_the_time_is_over_the_call_is_answered_with_what_there_is_then(desk: Desk) -> None:
    [call] = await begun(desk.create("pay_1", wait_s=0.05))
    desk.books.put("pay_1", UNKNOWN)  # Which is no outcome, and wakes nobody.
    assert (await call).state == UNKNOWN
    assert desk.books.transactions == 1


async def test_calls_whose_time_is_over_together_are_looked_for_together(desk: Desk) -> None:
    calls = await begun(*(desk.create(f"pay_{number}", wait_s=0.05) for number in range(100)))
    assert {answer.state for answer in await asyncio.gather(*calls)} == {CREATED}
    assert desk.books.transactions < 50


async def test_a_call_that_does_not_wait_looks_for_nothing(desk: Desk) -> None:
    assert (await desk.create("pay_1", wait_s=0)).state == CREATED
    assert desk.books.transactions == 0


async def test_a_repeated_call_is_answered_with_what_became_of_the_first(desk: Desk) -> None:
    desk.books.put("pay_1", SUCCEEDED)
    async with asyncio.timeout(PATIENCE_S):
        again = await desk.create("pay_2", known_as="pay_1")
    assert (again.payment_id, again.state, desk.books.transactions) == ("pay_1", SUCCEEDED, 1)


async def test_what_is_read_with_its_outcome_costs_the_reading_alone(desk: Desk) -> None:
    desk.books.put("pay_1", SUCCEEDED)
    assert ((await desk.get("pay_1")).state, desk.books.transactions) == (SUCCEEDED, 1)
    with pytest.raises(PaymentMissing):
        await desk.get("pay_2")


async def test_who_reads_waits_as_who_creates(desk: Desk) -> None:
    desk.books.put("pay_1", CREATED)
    [call] = await begun(desk.get("pay_1"))
    desk.books.conclude("pay_1")
    assert ((await call).state, desk.books.transactions) == (SUCCEEDED, 2)


async def test_a_call_is_answered_before_its_own_time_is_over(desk: Desk) -> None:
    act_as("shop").deadline = time.monotonic() + awaiting.LAST_LOOK_S + awaiting.DEADLINE_MARGIN_S + 0.05
    async with asyncio.timeout(PATIENCE_S - 10):
        assert (await desk.create("pay_1", wait_s=PATIENCE_S)).state == CREATED


async def test_where_too_many_wait_a_call_is_answered_at_once(desk: Desk) -> None:
    desk.books.outcome_waiters_max = 1
    [first] = await begun(desk.create("pay_1"))
    assert (await desk.create("pay_2")).state == CREATED
    desk.books.conclude("pay_1")
    assert (await first).state == SUCCEEDED


async def test_those_who_wait_take_no_place_of_others(desk: Desk) -> None:
    slots = Slots(calls_max=1, waiters_max=0)
    permit = slots.acquire()
    act_as("shop").place = slots
    [call] = await begun(desk.create("pay_1"))
    other = slots.acquire()
    assert (permit is None, other is None) == (False, False)
    other.release()  # type: ignore[union-attr]
    desk.books.conclude("pay_1")
    assert (await call).state == SUCCEEDED
    assert slots.acquire() is None  # It has its place again.
    permit.release()  # type: ignore[union-attr]


async def test_an_outage_is_waited_out(desk: Desk) -> None:
    desk.books.outages_left = 1
    [call] = await begun(desk.create("pay_1"))
    desk.books.conclude("pay_1")
    async with asyncio.timeout(PATIENCE_S):
        assert (await call).state == SUCCEEDED
    assert desk.books.transactions == 2


async def test_a_failure_fails_those_who_wait_and_no_call_after_them(desk: Desk) -> None:
    calls = await begun(desk.create("pay_1"), desk.create("pay_2"))
    desk.books.failure = ValueError("a defect")
    desk.books.conclude("pay_1")
    for call in calls:
        with pytest.raises(ValueError, match="a defect"):
            await call
    desk.books.failure = None
    [later] = await begun(desk.create("pay_3"))
    desk.books.conclude("pay_3")
    assert (await later).state == SUCCEEDED


async def test_who_goes_away_is_waited_for_no_more(desk: Desk) -> None:
    gone, stays = await begun(desk.create("pay_1"), desk.create("pay_2"))
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert desk.outcomes.waiting == 1
    desk.books.conclude("pay_1", "pay_2")
    assert (await stays).state == SUCCEEDED
