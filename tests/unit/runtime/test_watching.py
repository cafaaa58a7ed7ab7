"""Streams that watch something: how often is looked for changes, and what each is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing
from typing import Any, TypeVar

import pytest

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, Kind
from paykit.postgres.wakeups import CHANGES, Wakeups
from paykit.serve.edge import Slots
from paykit.serve.outcomes import watching
from paykit.serve.outcomes.watching import ServerStopping, Watched, Watches, WatchesExhausted
from paykit.testing.runtimes import act_as
from paystream.payment.v1 import payment_pb2 as pb

T = TypeVar("T")
CREATED, AUTHORIZED, SUCCEEDED = pb.PAYMENT_STATE_CREATED, pb.PAYMENT_STATE_AUTHORIZED, pb.PAYMENT_STATE_SUCCEEDED
PATIENCE_S = 30
ANY: Any = None


class PaymentMissing(DomainError):
    kind = Kind.NOT_FOUND
    reason = "PAYMENT_NOT_FOUND"


class Books:
    """What a runtime has for those who look: rows by id, and how many transactions read them."""

    def __init__(self) -> None:
        self.wakeups = Wakeups(dsn="", schema="payment")
        self.watches_max = 2_000
        self.watches_per_caller_max = 2_000
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

    def commit(self, state: pb.PaymentState.ValueType, *payment_ids: str) -> None:
        """Change payments, in one transaction."""
        for payment_id in payment_ids:
            self.rows[payment_id] = pb.Payment(payment_id=payment_id, state=state)
        self.wakeups.signal(CHANGES)


class Hall:
    """Streams of payments, and what each was told."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.watches = Watches(books)
        self.told: dict[str, list[int]] = {}
        self.watched = Watched(
            read=books.by_key,
            version=lambda payment: str(payment.state),
            ended=lambda payment: payment.state == SUCCEEDED,
            show=lambda payment: pb.WatchPaymentResponse(payment=payment),
            missing=PaymentMissing,
        )

    async def watch(self, payment_id: str, *, pause_s: float = 0.0) -> list[int]:
        told = self.told.setdefault(payment_id, [])
        async with aclosing(self.watches.watch(self.watched, key=payment_id)) as states:
            async for state in states:
                told.append(state.payment.state)
                await asyncio.sleep(pause_s)
        return told


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    act_as("shop")
    made = Hall(Books())
    yield made
    assert made.watches.watching == 0
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "watches" and not task.cancelling()] == []


async def begun(hall: Hall, *calls: Any) -> list[asyncio.Task[list[int]]]:
    """Begin streams, and wait until each was told its first state."""
    tasks = [asyncio.create_task(call) for call in calls]
    await until(lambda: sum(map(len, hall.told.values())) >= len(tasks))
    return tasks


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not reached():  # noqa: ASYNC110 - what is reached sets no event
            await asyncio.sleep(0.001)


async def test_a_thousand_streams_cost_no_more_transactions_than_changes(hall: Hall) -> None:
    ids = [f"pay_{number}" for number in range(1_000)]
    hall.books.commit(CREATED, *ids)
    streams = await begun(hall, *map(hall.watch, ids))
    beginning = hall.books.transactions
    assert (hall.watches.watching, beginning <= 2) == (1_000, True)
    for at in range(0, 1_000, 50):  # 20 transactions of 50 outcomes.
        hall.books.commit(SUCCEEDED, *ids[at : at + 50])
        await asyncio.sleep(0.001)
    async with asyncio.timeout(PATIENCE_S):
        told = await asyncio.gather(*streams)
    assert told == [[CREATED, SUCCEEDED]] * 1_000
    assert 1 <= hall.books.transactions - beginning <= 20


async def test_each_change_is_told_once_and_the_end_ends_the_stream(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1", "pay_2")
    [stream, other] = await begun(hall, hall.watch("pay_1"), hall.watch("pay_2"))
    hall.books.commit(AUTHORIZED, "pay_1")
    await until(lambda: hall.told["pay_1"] == [CREATED, AUTHORIZED])
    hall.books.commit(AUTHORIZED, "pay_1")  # A commit that changed nothing of it.
    hall.books.commit(SUCCEEDED, "pay_1")
    assert await stream == [CREATED, AUTHORIZED, SUCCEEDED]
    assert hall.told["pay_2"] == [CREATED]
    hall.books.commit(SUCCEEDED, "pay_2")
    assert await other == [CREATED, SUCCEEDED]


async def test_what_has_ended_is_told_once(hall: Hall) -> None:
    hall.books.commit(SUCCEEDED, "pay_1")
    assert await hall.watch("pay_1") == [SUCCEEDED]


async def test_what_is_not_there_is_refused(hall: Hall) -> None:
    with pytest.raises(PaymentMissing):
        await hall.watch("pay_1")


async def test_who_reads_slowly_is_told_the_newest_and_holds_one_message(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1", "pay_2")
    [slow, quick] = await begun(hall, hall.watch("pay_1", pause_s=0.5), hall.watch("pay_2"))
    hall.books.commit(AUTHORIZED, "pay_1", "pay_2")
    await until(lambda: hall.told["pay_2"] == [CREATED, AUTHORIZED])
    hall.books.commit(SUCCEEDED, "pay_1", "pay_2")
    assert await quick == [CREATED, AUTHORIZED, SUCCEEDED]
    assert await slow == [CREATED, SUCCEEDED]


async def test_more_streams_than_there_may_be_are_refused_and_go_on_when_others_end(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1")
    hall.books.watches_max = 1
    [stream] = await begun(hall, hall.watch("pay_1"))
    with pytest.raises(WatchesExhausted) as refused:
        await hall.watch("pay_1")
    assert refused.value.metadata == {"watches_max": "1"}
    hall.books.watches_max, hall.books.watches_per_caller_max = 2, 1
    with pytest.raises(WatchesExhausted) as refused:
        await hall.watch("pay_1")
    assert refused.value.metadata == {"watches_per_caller_max": "1"}
    hall.books.commit(SUCCEEDED, "pay_1")
    await stream
    assert await hall.watch("pay_1") == [CREATED, SUCCEEDED, SUCCEEDED]


async def test_idle_streams_take_no_place_of_others(hall: Hall) -> None:
    slots = Slots(calls_max=1, waiters_max=0)
    permit = slots.acquire()
    act_as("shop").place = slots
    hall.books.commit(CREATED, "pay_1")
    [stream] = await begun(hall, hall.watch("pay_1"))
    other = slots.acquire()
    assert (permit is None, other is None) == (False, False)
    other.release()  # type: ignore[union-attr]
    hall.books.commit(SUCCEEDED, "pay_1")
    await stream
    assert slots.acquire() is None  # It has its place again.
    permit.release()  # type: ignore[union-attr]


async def test_a_stream_ends_well_before_its_own_time_is_over(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1")
    act_as("shop").deadline = time.monotonic() + watching.DEADLINE_MARGIN_S + 0.3
    async with asyncio.timeout(PATIENCE_S):
        assert await hall.watch("pay_1") == [CREATED]


async def test_a_process_that_stops_ends_its_streams_and_takes_no_more(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1")
    [stream] = await begun(hall, hall.watch("pay_1"))
    hall.watches.stop()
    with pytest.raises(ServerStopping):
        await stream
    with pytest.raises(ServerStopping):
        await hall.watch("pay_1")


async def test_an_outage_is_waited_out(hall: Hall) -> None:
    hall.books.commit(SUCCEEDED, "pay_1")
    hall.books.outages_left = 1
    async with asyncio.timeout(PATIENCE_S):
        assert await hall.watch("pay_1") == [SUCCEEDED]
    assert hall.books.transactions == 2


async def test_a_failure_ends_the_streams_and_no_stream_after_them(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1")
    [stream] = await begun(hall, hall.watch("pay_1"))
    hall.books.failure = ValueError("a defect")
    hall.books.commit(SUCCEEDED, "pay_1")
    with pytest.raises(ValueError, match="a defect"):
        await stream
    hall.books.failure = None
    assert (await hall.watch("pay_1"))[-1] == SUCCEEDED


async def test_who_goes_away_is_looked_for_no_more(hall: Hall) -> None:
    hall.books.commit(CREATED, "pay_1", "pay_2")
    gone, stays = await begun(hall, hall.watch("pay_1"), hall.watch("pay_2"))
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert hall.watches.watching == 1
    hall.books.commit(SUCCEEDED, "pay_1", "pay_2")
    assert (await stays)[-1] == SUCCEEDED
