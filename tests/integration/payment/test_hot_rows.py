"""A row that another transaction holds costs the calls on it, and nobody else's."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.integration.payment.conftest import House

GOOD_CALLS = 200
ROUNDS = 5
"""Of the calls alone and beside the hot ones, one after the other: the best counts, as the machine is shared."""
RATIO_MAX = 2.0


@asynccontextmanager
async def held(house: House, payment_ids: Sequence[str]) -> AsyncIterator[None]:
    """Hold the rows of payments, as a transaction does that is not done with them."""
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: object) -> None:
        await tx.fetch("SELECT FROM payment WHERE payment_id = ANY($1::text[]) FOR UPDATE", payment_ids)  # type: ignore[attr-defined]
        locked.set()
        await release.wait()

    holding = asyncio.create_task(house.runtime.transaction(hold))
    await locked.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def paid(house: House, payments: int) -> list[str]:
    """Make payments that their channel has captured; give their ids."""
    results = await house.create_batch(*(house.request() for _ in range(payments)))
    await house.submit()
    return [result.payment.payment_id for result in results]


async def timed_refund(house: House, payment_id: str) -> float:
    since = time.perf_counter()
    await house.refund(payment_id, 1)
    return time.perf_counter() - since


async def median_beside(house: House, good: Sequence[str], hot: Sequence[str]) -> float:
    """Refund of good payments and of hot ones at once; give the median of the good ones in seconds."""
    every = max(len(good) // len(hot), 1) if hot else 0
    order = list(good)
    for at, payment_id in enumerate(hot):
        order.insert(at * (every + 1), payment_id)
    tasks = [asyncio.create_task(timed_refund(house, payment_id)) for payment_id in order]
    of_good = [task for task, payment_id in zip(tasks, order, strict=True) if payment_id not in set(hot)]
    async with held(house, sorted(set(hot))):
        durations = await asyncio.gather(*of_good)
    await asyncio.gather(*tasks)
    return statistics.median(durations)


@pytest.mark.parametrize(("hot_rows", "hot_calls"), [(1, 1), (1, 4), (1, 8), (1, 20), (20, 20)])
async def test_calls_on_held_rows_leave_the_others_as_quick_as_they_are_alone(
    house: House, hot_rows: int, hot_calls: int
) -> None:
    await house.know_merchant()
    good, hot = await paid(house, GOOD_CALLS), await paid(house, hot_rows)
    ratios = []
    for _ in range(ROUNDS):
        alone = await median_beside(house, good, [])
        ratios.append(await median_beside(house, good, [hot[at % hot_rows] for at in range(hot_calls)]) / alone)
    assert min(ratios) < RATIO_MAX
    refunding_minor = [(await house.get(payment_id)).refunding_minor for payment_id in hot]
    assert refunding_minor == [ROUNDS * hot_calls // hot_rows] * hot_rows
