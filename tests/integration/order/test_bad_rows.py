"""An order that cannot be ended holds up no other."""

import pytest
from google.protobuf.duration_pb2 import Duration

from paystream.order.v1 import order_pb2 as pb
from tests.integration import bad_rows
from tests.integration.order.conftest import Shop


async def test_an_order_that_cannot_expire_leaves_the_others_expired_and_expires_once_it_can(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    orders = [(await shop.create(ttl=Duration(seconds=60))).order_id for _ in range(5)]
    with monkeypatch.context() as planted:
        bad_rows.plant(planted, orders[2])
        await shop.pass_time(62)
        states = [(await shop.get(order_id)).state for order_id in orders]
        expired, open_ = pb.ORDER_STATE_EXPIRED, pb.ORDER_STATE_CREATED
        assert states == [expired, expired, open_, expired, expired]
        assert bad_rows.failing("order", "expire_orders") == 1
    await shop.pass_time(1)
    assert (await shop.get(orders[2])).state == expired
    assert await shop.told_types(orders[2]) == ["OrderCreated", "OrderExpired"]
    assert bad_rows.failing("order", "expire_orders") == 0
