"""Calls whose writes are one statement: what callers see of it, which is nothing."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from paykit.base.call import CallContext
from paykit.errors import DomainError, RequestIdReused
from paykit.merchants.standing import MerchantReferenceTaken, MerchantUnknown
from paykit.postgres.database import Tx
from paykit.process.runtime import REPLAYED_TRAILER
from paykit.serve.groups.at_once import GROUPS_PASSED_BY_MAX
from paykit.testing.runtimes import act_as
from paystream.order.v1 import order_pb2 as pb
from services.order.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.order.conftest import Shop
from tests.integration.repeated_calls import groups
from tests.integration.runtime.wire import Loss, runtime_over_wire

WAIT_S = 30.0


async def made(shop: Shop, request: pb.CreateOrderRequest) -> tuple[pb.Order | DomainError, CallContext]:
    """Create an order in a call of its own; give what came of it."""
    call = act_as("shop")
    try:
        return (await shop.call.CreateOrder(request, None)).order, call
    except DomainError as refusal:
        return refusal, call


async def all_made(shop: Shop, *requests: pb.CreateOrderRequest) -> list[tuple[Any, CallContext]]:
    async with asyncio.timeout(WAIT_S):
        return await asyncio.gather(*(made(shop, request) for request in requests))


async def count_orders(shop: Shop) -> int:
    rows = await shop.runtime.read(lambda tx: tx.fetch('SELECT count(*) AS orders FROM "order"'))
    return int(rows[0]["orders"])


async def test_calls_that_nothing_speaks_against_are_one_group_that_goes_at_once(shop: Shop) -> None:
    before = groups("at_once", "CreateOrder"), groups("under_claims", "CreateOrder")
    outcomes = await all_made(shop, *(shop.request() for _ in range(5)))
    assert [call.trailers for _, call in outcomes] == [[]] * 5
    assert (groups("at_once", "CreateOrder"), groups("under_claims", "CreateOrder")) != before
    assert groups("under_claims", "CreateOrder") == before[1]
    for order, _ in outcomes:
        assert await shop.told_types(order.order_id) == ["OrderCreated"]
        assert list((await shop.get(order.order_id)).line_items) == list(order.line_items)


async def test_what_is_refused_is_refused_beside_neighbours_that_are_accepted(shop: Shop) -> None:
    unknown = shop.request(merchant_id="mer_" + "9" * 32)
    outcomes = await all_made(shop, shop.request(), unknown, shop.request())
    assert [isinstance(outcome, MerchantUnknown) for outcome, _ in outcomes] == [False, True, False]
    assert await count_orders(shop) == 2
    claims = await shop.runtime.read(lambda tx: tx.fetch("SELECT DISTINCT request_id FROM idempotency_claim"))
    assert len(claims) == 2


async def test_one_request_id_twice_in_a_group_is_one_order(shop: Shop) -> None:
    request = shop.request()
    (first, _), (second, call) = await all_made(shop, request, request)
    assert first == second
    assert call.trailers == [REPLAYED_TRAILER]
    assert await count_orders(shop) == 1


async def test_one_request_id_with_two_bodies_in_a_group_is_the_first_and_a_refusal(shop: Shop) -> None:
    request_id = str(uuid.uuid4())
    outcomes = await all_made(shop, *(shop.request(request_id=request_id, total_minor=minor) for minor in (100, 200)))
    assert isinstance(outcomes[1][0], RequestIdReused)
    assert (await shop.get(outcomes[0][0].order_id)).total.amount_minor == 100


async def test_a_repetition_among_new_calls_gets_the_first_answer_and_they_theirs(shop: Shop) -> None:
    request = shop.request()
    [(first, _)] = await all_made(shop, request)
    failed = groups("failed_at_once", "CreateOrder")
    outcomes = await all_made(shop, shop.request(), request, shop.request())
    assert [call.trailers for _, call in outcomes] == [[], [REPLAYED_TRAILER], []]
    assert outcomes[1][0] == first
    assert await count_orders(shop) == 3
    assert groups("failed_at_once", "CreateOrder") == failed + 1


async def test_after_a_repetition_groups_go_at_once_again(shop: Shop) -> None:
    request = shop.request()
    for _ in range(3):
        await all_made(shop, request)
    before = groups("at_once", "CreateOrder")
    for _ in range(GROUPS_PASSED_BY_MAX + 1):
        await all_made(shop, shop.request())
        if groups("at_once", "CreateOrder") > before:
            break
    assert groups("at_once", "CreateOrder") == before + 1


async def test_of_two_with_one_reference_in_a_group_one_is_accepted(shop: Shop) -> None:
    outcomes = await all_made(shop, *(shop.request(merchant_reference="basket-1") for _ in range(2)))
    assert sorted(isinstance(outcome, MerchantReferenceTaken) for outcome, _ in outcomes) == [False, True]
    assert await count_orders(shop) == 1


async def test_rivals_of_two_processes_with_one_request_id_are_one_order(shop: Shop, runtime_of: RuntimeOf) -> None:
    other = Shop(await runtime_of(SERVICE))
    for _ in range(10):
        request = shop.request()
        async with asyncio.timeout(WAIT_S):
            (ours, our_call), (theirs, their_call) = await asyncio.gather(made(shop, request), made(other, request))
        assert ours == theirs
        assert [*our_call.trailers, *their_call.trailers] == [REPLAYED_TRAILER]
    assert await count_orders(shop) == 10


async def test_a_call_waits_for_the_rival_that_has_its_claim_and_gets_its_answer(
    shop: Shop, runtime_of: RuntimeOf
) -> None:
    """The rival may yet fail: only its end says whether the call is a repetition."""
    request = shop.request()
    began, free = asyncio.Event(), asyncio.Event()

    async def rival(tx: Tx) -> None:
        sql = (
            "INSERT INTO idempotency_claim (caller, method, request_id, day, request_hash) "
            "SELECT 'shop', 'CreateOrder', $1::text::uuid, (now() AT TIME ZONE 'UTC')::date, '\\x00'"
        )
        await tx.run(sql, request.request_id)
        began.set()
        await free.wait()
        raise RuntimeError("it fails")

    holding = asyncio.create_task((await runtime_of(SERVICE)).transaction(rival))
    await began.wait()
    waiting = asyncio.create_task(made(shop, request))
    others = await all_made(shop, shop.request(), shop.request())
    assert [call.trailers for _, call in others] == [[], []]
    assert not waiting.done()
    free.set()
    with pytest.raises(RuntimeError, match="it fails"):
        await holding
    async with asyncio.timeout(WAIT_S):
        order, call = await waiting
    assert isinstance(order, pb.Order)
    assert call.trailers == []
    assert await count_orders(shop) == 3


@pytest.mark.parametrize("loss", ["request", "answer"])
async def test_calls_whose_one_statement_was_lost_are_looked_up_and_carried_out_once(
    shop: Shop, tmp_path: Path, loss: Loss
) -> None:
    async with runtime_over_wire(SERVICE, shop.runtime.database.url, cache_dir=tmp_path) as (runtime, wire):
        away = Shop(runtime)
        away.merchant_id = shop.merchant_id
        requests = [away.request(merchant_reference=f"lost-{number}") for number in range(4)]
        wire.lose_next(loss, text=b"lost-3")
        outcomes = await all_made(away, *requests)
    assert wire.lost == 1
    assert [order.merchant_reference for order, _ in outcomes] == [f"lost-{number}" for number in range(4)]
    assert await count_orders(shop) == 4
    for order, _ in outcomes:
        assert await shop.told_types(order.order_id) == ["OrderCreated"]
