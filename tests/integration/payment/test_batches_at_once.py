"""Batches whose writes are one statement: what callers see of it, which is nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paykit.serve.operations import BATCH_ITEMS_MAX
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.payment.conftest import House
from tests.integration.payment.test_create import reason_of
from tests.integration.repeated_calls import groups
from tests.integration.runtime.wire import Loss, runtime_over_wire

WAIT_S = 30.0
WAYS = ("at_once", "under_claims", "failed_at_once")


class Ways:
    """Counts the ways that batches have gone since it was made."""

    def __init__(self) -> None:
        self._before = self._counts()

    @property
    def gone(self) -> tuple[int, ...]:
        """How many went at once, under claims, and under claims after they had failed at once."""
        return tuple(now - before for now, before in zip(self._counts(), self._before, strict=True))

    def _counts(self) -> list[int]:
        return [groups(way, "CreatePayment") for way in WAYS]


async def counts(house: House) -> list[int]:
    return [await house.count(table) for table in ("payment", "attempt")]


def payments(results: Sequence[Any]) -> list[pb.Payment]:
    assert [reason_of(result) for result in results] == [""] * len(results)
    return [result.payment for result in results]


async def test_a_batch_in_which_nothing_is_refused_is_written_at_once(house: House) -> None:
    ways = Ways()
    requests = [house.request(metadata={"number": str(number)}) for number in range(40)]
    made = payments(await house.create_batch(*requests))
    assert ways.gone == (1, 0, 0)
    assert [payment.merchant_reference for payment in made] == [request.merchant_reference for request in requests]
    for payment in made[::13]:
        assert await house.get(payment.payment_id) == payment
        assert [attempt.state for attempt in await house.attempts(payment.payment_id)] == [pb.ATTEMPT_STATE_PENDING]
        assert await house.told_types(payment.payment_id) == ["PaymentCreated"]
    assert await counts(house) == [40, 40]


async def test_the_largest_batch_is_written_at_once(house: House) -> None:
    ways = Ways()
    payments(await house.create_batch(*(house.request() for _ in range(BATCH_ITEMS_MAX))))
    assert ways.gone == (1, 0, 0)
    assert await counts(house) == [BATCH_ITEMS_MAX] * 2


async def test_of_a_batch_with_one_refusal_the_others_are_accepted_under_their_claims(house: House) -> None:
    ways = Ways()
    taken = house.request()
    await house.create_batch(taken)
    assert ways.gone == (1, 0, 0)
    unpriced = house.request()
    unpriced.amount.currency_code = "EUR"
    results = await house.create_batch(house.request(), unpriced, house.request())
    assert [reason_of(result) for result in results] == ["", "FEE_RULE_MISSING", ""]
    assert ways.gone == (1, 1, 1)
    assert await counts(house) == [3, 3]
    again = await house.create_batch(unpriced)
    assert reason_of(again[0]) == "FEE_RULE_MISSING"


async def test_a_reference_that_is_taken_is_refused_beside_neighbours_that_are_accepted(house: House) -> None:
    [first] = payments(await house.create_batch(house.request(merchant_reference="basket-1")))
    results = await house.create_batch(
        house.request(), house.request(merchant_reference="basket-1"), house.request(merchant_reference="basket-2")
    )
    assert [reason_of(result) for result in results] == ["", "MERCHANT_REFERENCE_TAKEN", ""]
    twice = await house.create_batch(*(house.request(merchant_reference="basket-3") for _ in range(2)))
    assert [reason_of(result) for result in twice] == ["", "MERCHANT_REFERENCE_TAKEN"]
    assert await house.count("payment") == 4
    assert await house.get(first.payment_id) == first


async def test_one_request_id_twice_in_a_batch_is_one_payment_and_no_failure(house: House) -> None:
    ways = Ways()
    request = house.request()
    first, second, other = payments(await house.create_batch(request, request, house.request()))
    assert first == second != other
    assert ways.gone == (0, 1, 0)
    assert await house.count("payment") == 2


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_batch_that_is_sent_again_is_answered_as_it_was(house: House, *, forgotten: bool) -> None:
    ways = Ways()
    requests = [house.request() for _ in range(20)]
    first = await house.create_batch(*requests)
    before = await counts(house)
    if forgotten:
        await house.runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    assert await house.create_batch(*requests) == first
    assert ways.gone == (1, 1, 1)
    assert await counts(house) == before[:2]


async def test_what_a_batch_created_is_found_by_a_single_call_and_the_other_way_round(house: House) -> None:
    together, alone = house.request(), house.request()
    [in_batch] = payments(await house.create_batch(together))
    single = (await house.call.CreatePayment(alone, None)).payment
    assert (await house.call.CreatePayment(together, None)).payment == in_batch
    assert payments(await house.create_batch(alone, house.request()))[0] == single
    assert await house.count("payment") == 3


async def test_rivals_of_two_processes_with_the_same_batch_create_it_once(house: House, runtime_of: RuntimeOf) -> None:
    other = House(await runtime_of(SERVICE), house.channel)
    for _ in range(10):
        requests = [house.request() for _ in range(5)]
        async with asyncio.timeout(WAIT_S):
            ours, theirs = await asyncio.gather(house.create_batch(*requests), other.create_batch(*requests[::-1]))
        assert payments(ours) == payments(theirs)[::-1]
    assert await counts(house) == [50, 50]


@pytest.mark.parametrize("loss", ["request", "answer"])
async def test_a_batch_whose_one_statement_was_lost_is_looked_up_and_carried_out_once(
    house: House, tmp_path: Path, loss: Loss
) -> None:
    async with runtime_over_wire(SERVICE, house.runtime.database.url, cache_dir=tmp_path) as (runtime, wire):
        away = House(runtime, house.channel)
        away.merchant_id = house.merchant_id
        requests = [away.request(merchant_reference=f"lost-{number}") for number in range(4)]
        wire.lose_next(loss, text=b"lost-3")
        made = payments(await away.create_batch(*requests))
    assert wire.lost == 1
    assert [payment.merchant_reference for payment in made] == [f"lost-{number}" for number in range(4)]
    assert await counts(house) == [4, 4]
    for payment in made:
        assert await house.told_types(payment.payment_id) == ["PaymentCreated"]
