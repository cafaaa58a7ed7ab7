"""Creating, reading, listing and calling off orders."""

import asyncio
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from paykit.base.call import current_call
from paykit.errors import (
    CurrencyClosed,
    CurrencyMismatch,
    CurrencyUnknown,
    EtagMismatch,
    FieldInvalid,
    IllegalTransition,
    PageTokenInvalid,
    RequestIdReused,
)
from paykit.ids import new_id
from paykit.merchants.standing import (
    MerchantClosing,
    MerchantFrozen,
    MerchantNotActive,
    MerchantReferenceTaken,
    MerchantSuspended,
    MerchantUnknown,
)
from paykit.serve.timestamps import to_timestamp
from paykit.serve.validation.update_masks import UpdateMaskInvalid
from paykit.testing.runtimes import START
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1.events import MerchantStatus
from paystream.order.v1 import events
from paystream.order.v1 import order_pb2 as pb
from services.order.domain import LineItemAmountMismatch, OrderNotFound, OrderTotalMismatch
from tests.integration.order.conftest import ANY, Shop


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


def item(name: str, quantity: int, unit_price_minor: int) -> pb.LineItem:
    amount = usd(quantity * unit_price_minor)
    return pb.LineItem(name=name, quantity=quantity, unit_price=usd(unit_price_minor), amount=amount)


async def test_an_order_is_accepted_read_and_told(shop: Shop) -> None:
    request = shop.request(
        merchant_reference="basket-7",
        line_items=[item("Tea", 3, 250), item("Cup", 1, 1_250)],
        total=usd(2_000),
        metadata={"shelf": "4"},
        expire_time=to_timestamp(START + timedelta(hours=1)),
    )

    order = (await shop.call.CreateOrder(request, ANY)).order

    assert order == pb.Order(
        order_id=order.order_id,
        merchant_id=shop.merchant_id,
        merchant_reference="basket-7",
        total=usd(2_000),
        line_items=[item("Tea", 3, 250), item("Cup", 1, 1_250)],
        item_count=2,
        metadata={"shelf": "4"},
        state=pb.ORDER_STATE_CREATED,
        expire_time=to_timestamp(START + timedelta(hours=1)),
        correlation_id="cor_test",
        etag="b-a-a-a",
        create_time=to_timestamp(START),
        update_time=to_timestamp(START),
    )
    assert await shop.get(order.order_id) == order
    [told] = await shop.told(order.order_id)
    assert (told.RECORD, told.item_count, told.total_minor) == (events.OrderCreated.RECORD, 2, 2_000)
    assert (told.expires_at, told.actor) == (START + timedelta(hours=1), "shop")


async def test_a_hundred_items_come_back_in_their_order(shop: Shop) -> None:
    items = [item(f"Thing {number}", number, 7) for number in range(1, 101)]
    order = await shop.create(line_items=items, total=usd(7 * 5_050))
    assert list((await shop.get(order.order_id)).line_items) == items


async def test_the_largest_amounts_fit(shop: Shop) -> None:
    largest = usd(2**53 - 1)
    items = [pb.LineItem(name="Crown", quantity=1, unit_price=largest, amount=largest)]
    order = await shop.create(line_items=items, total=largest)
    assert (await shop.get(order.order_id)).total == largest


async def test_the_same_request_makes_one_order_and_another_with_its_id_none(shop: Shop) -> None:
    request = shop.request()
    first, second = await asyncio.gather(shop.call.CreateOrder(request, ANY), shop.call.CreateOrder(request, ANY))
    assert first == second
    request.merchant_reference += "-b"
    with pytest.raises(RequestIdReused):
        await shop.call.CreateOrder(request, ANY)


async def test_a_reference_is_unique_per_merchant(shop: Shop) -> None:
    holder = await shop.create(merchant_reference="basket-1")
    with pytest.raises(MerchantReferenceTaken) as refused:
        await shop.create(merchant_reference="basket-1")
    assert refused.value.metadata == {"order_id": holder.order_id}
    other = await shop.know_merchant(merchant_id=new_id("mer"))
    assert (await shop.create(merchant_reference="basket-1", merchant_id=other)).order_id != holder.order_id


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"total": usd(1_999)}, OrderTotalMismatch, "total.amount_minor"),
        (
            {"line_items": [pb.LineItem(name="Tea", quantity=2, unit_price=usd(999), amount=usd(2_000))]},
            LineItemAmountMismatch,
            "line_items[0].amount.amount_minor",
        ),
        (
            {"total": Money(amount_minor=2_000, currency_code="EUR")},
            CurrencyMismatch,
            "line_items[0].unit_price.currency_code",
        ),
        ({"currency_code": "XXQ"}, CurrencyUnknown, "total.currency_code"),
        ({"currency_code": "BGN"}, CurrencyClosed, "total.currency_code"),
        ({"expire_time": to_timestamp(START)}, FieldInvalid, "expire_time"),
        ({"expire_time": to_timestamp(START + timedelta(days=367))}, FieldInvalid, "expire_time"),
    ],
)
async def test_what_contradicts_itself_is_refused(
    shop: Shop, changes: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as refused:
        await shop.create(**changes)
    assert getattr(refused.value, "field", None) == field


@pytest.mark.parametrize(
    ("standing", "error"),
    [
        ({"status": MerchantStatus.CREATED}, MerchantNotActive),
        ({"status": MerchantStatus.SUSPENDED}, MerchantSuspended),
        ({"frozen": True}, MerchantFrozen),
        ({"closing": True}, MerchantClosing),
    ],
)
async def test_a_merchant_that_may_not_sell_gets_no_order(
    shop: Shop, standing: dict[str, Any], error: type[Exception]
) -> None:
    idle = await shop.know_merchant(merchant_id=new_id("mer"), **standing)
    current_call().deadline = time.monotonic() + 0.2  # A merchant may be activated at any moment.
    with pytest.raises(error):
        await shop.create(merchant_id=idle)


@pytest.mark.usefixtures("patient_calls")
async def test_a_merchant_told_of_late_is_waited_for(shop: Shop) -> None:
    late = new_id("mer")
    creation = asyncio.create_task(shop.create(merchant_id=late))
    await asyncio.sleep(0)
    await shop.know_merchant(merchant_id=late)
    assert (await creation).merchant_id == late


async def test_a_merchant_never_told_of_is_unknown_when_the_deadline_nears(shop: Shop) -> None:
    current_call().deadline = time.monotonic() + 0.2
    with pytest.raises(MerchantUnknown):
        await shop.create(merchant_id=new_id("mer"))


async def test_an_order_that_is_not_there_is_not_found(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.get(new_id("ord"))
    with pytest.raises(OrderNotFound):
        await shop.cancel(new_id("ord"))


async def test_an_order_is_called_off_once_per_request(shop: Shop) -> None:
    order = await shop.create()
    request = pb.CancelOrderRequest(request_id=str(uuid.uuid4()), order_id=order.order_id, reason="out of stock")

    first = (await shop.call.CancelOrder(request, ANY)).order
    again = (await shop.call.CancelOrder(request, ANY)).order

    assert (first.state, first.etag, list(first.line_items)) == (pb.ORDER_STATE_CANCELLED, "c-a-a-a", [])
    assert first.stated_reason.reason == "out of stock"
    assert first.stated_reason.create_time == first.update_time
    assert again == first
    assert (await shop.get(order.order_id)).stated_reason == first.stated_reason
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderCancelled"]
    with pytest.raises(IllegalTransition) as refused:
        await shop.cancel(order.order_id)
    assert refused.value.metadata == {"state": "CANCELLED", "action": "CANCEL"}


async def test_an_order_that_changed_since_it_was_read_is_neither_called_off_nor_completed(shop: Shop) -> None:
    order = await shop.create()
    await shop.capture(order.order_id, 100)
    complete = pb.CompleteOrderRequest(request_id=str(uuid.uuid4()), order_id=order.order_id, etag=order.etag)

    with pytest.raises(EtagMismatch) as refused:
        await shop.cancel(order.order_id, etag=order.etag)
    with pytest.raises(EtagMismatch):
        await shop.call.CompleteOrder(complete, ANY)

    assert (refused.value.field, refused.value.metadata) == ("etag", {"order_id": order.order_id})
    as_it_is = await shop.get(order.order_id)
    assert (await shop.cancel(order.order_id, etag=as_it_is.etag)).state == pb.ORDER_STATE_CANCELLED


async def four_orders(shop: Shop) -> list[str]:
    """Orders at 0, 10, 20 and 30 s, of which the second is cancelled; and one of another merchant."""
    made = []
    for number in range(4):
        made.append((await shop.create(merchant_reference=f"basket-{number}")).order_id)
        await shop.pass_time(10)
    await shop.cancel(made[1])
    await shop.create(merchant_id=await shop.know_merchant(merchant_id=new_id("mer")))
    return made


async def listed(shop: Shop, **filters: Any) -> list[list[str]]:
    """The pages of a list, as order ids."""
    request, pages = pb.ListOrdersRequest(**{"merchant_id": shop.merchant_id} | filters), []
    while True:
        response = await shop.call.ListOrders(request, ANY)
        pages.append([order.order_id for order in response.orders])
        if not response.next_page_token:
            return pages
        request.page_token = response.next_page_token


async def test_pages_follow_each_other_newest_first(shop: Shop) -> None:
    made = await four_orders(shop)
    assert await listed(shop, page_size=3) == [[made[3], made[2], made[1]], [made[0]]]
    assert await listed(shop, merchant_id=new_id("mer")) == [[]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"merchant_reference": "basket-2"}, [2]),
        ({"state": pb.ORDER_STATE_CANCELLED}, [1]),
        ({"state": pb.ORDER_STATE_CREATED}, [3, 2, 0]),
        ({"create_time_min": to_timestamp(START + timedelta(seconds=20))}, [3, 2]),
        ({"create_time_before": to_timestamp(START + timedelta(seconds=20))}, [1, 0]),
    ],
)
async def test_filters_select(shop: Shop, filters: dict[str, Any], expected: list[int]) -> None:
    made = await four_orders(shop)
    assert await listed(shop, **filters) == [[made[number] for number in expected]]


async def test_a_list_leaves_items_out_and_its_token_fits_no_other_list(shop: Shop) -> None:
    await four_orders(shop)
    response = await shop.call.ListOrders(pb.ListOrdersRequest(merchant_id=shop.merchant_id, page_size=1), ANY)
    assert (list(response.orders[0].line_items), response.orders[0].item_count) == ([], 1)
    with pytest.raises(PageTokenInvalid):
        await listed(shop, page_token=response.next_page_token, state=pb.ORDER_STATE_PAID)


async def test_an_order_without_a_time_never_expires_and_another_does_at_its_time(shop: Shop) -> None:
    lasting = await shop.create()
    brief = await shop.create(ttl=Duration(seconds=60))

    await shop.pass_time(61.999999)  # What happened in time is told within 2 s.
    assert (await shop.get(brief.order_id)).state == pb.ORDER_STATE_CREATED
    await shop.pass_time(0.000001)

    ended = await shop.get(brief.order_id)
    assert (ended.state, ended.expire_time) == (pb.ORDER_STATE_EXPIRED, to_timestamp(START + timedelta(seconds=60)))
    [_, told] = await shop.told(brief.order_id)
    assert (told.RECORD, told.expired_at) == (events.OrderExpired.RECORD, START + timedelta(seconds=60))
    assert (told.actor, told.causation_id) == (None, None)
    await shop.pass_time(86_400 * 400)
    assert (await shop.get(lasting.order_id)).state == pb.ORDER_STATE_CREATED
    with pytest.raises(IllegalTransition):
        await shop.cancel(brief.order_id)


async def test_the_job_passes_by_an_order_that_somebody_holds(shop: Shop) -> None:
    brief = await shop.create(ttl=Duration(seconds=60))
    lock = 'SELECT FROM "order" WHERE order_id = $1 FOR UPDATE'
    locked, done = asyncio.Event(), asyncio.Event()

    async def hold(tx: Any) -> None:
        await tx.fetch(lock, brief.order_id)
        locked.set()
        await done.wait()

    holder = asyncio.create_task(shop.runtime.transaction(hold))
    await locked.wait()
    await shop.pass_time(62)
    done.set()
    await holder
    assert (await shop.cancel(brief.order_id)).state == pb.ORDER_STATE_CANCELLED
    await shop.pass_time(60)
    assert await shop.told_types(brief.order_id) == ["OrderCreated", "OrderCancelled"]


async def update(shop: Shop, order_id: str, *paths: str, **fields: Any) -> pb.Order:
    request = pb.UpdateOrderRequest(request_id=str(uuid.uuid4()), order=pb.Order(order_id=order_id, **fields))
    request.update_mask.paths.extend(paths)
    return (await shop.call.UpdateOrder(request, ANY)).order


async def test_metadata_changes_as_a_whole_in_any_state_under_the_etag(shop: Shop) -> None:
    order = await shop.create(metadata={"till": "4", "clerk": "ann"})
    once = await update(shop, order.order_id, "metadata", metadata={"till": "5"}, etag=order.etag)
    again = await update(shop, order.order_id, "metadata", metadata={"till": "5"})
    with pytest.raises(EtagMismatch):
        await update(shop, order.order_id, "metadata", etag=order.etag)
    await shop.cancel(order.order_id, etag=once.etag)
    emptied = await update(shop, order.order_id, "metadata")

    assert (dict(once.metadata), once.etag) == ({"till": "5"}, "b-a-a-a-b")
    assert again == once
    assert (dict(emptied.metadata), emptied.state, emptied.etag) == ({}, pb.ORDER_STATE_CANCELLED, "c-a-a-a-c")
    assert (await shop.get(order.order_id)).etag == emptied.etag
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderCancelled"]


@pytest.mark.parametrize("path", ["", "total", "total.amount_minor", "nothing", "*"])
async def test_what_cannot_be_updated_is_named(shop: Shop, path: str) -> None:
    order = await shop.create()
    with pytest.raises(UpdateMaskInvalid) as refused:
        await update(shop, order.order_id, *([path] if path else []), metadata={"till": "5"})
    assert refused.value.field == "update_mask"
    assert refused.value.metadata == {"path": path, "updatable": "metadata"}
    assert dict((await shop.get(order.order_id)).metadata) == dict(order.metadata)


async def test_an_order_that_is_not_there_cannot_be_updated(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await update(shop, "ord_" + "f" * 32, "metadata")
