"""The indexes that serve lists of orders, whatever they are filtered by."""

from datetime import timedelta

from paykit.testing.runtimes import START
from services.order.domain import OrderState
from services.order.store.order import OrderFilter, order_walk
from tests.integration.list_plans import assert_served, multiply
from tests.integration.order.conftest import Shop


async def test_every_filter_of_orders_is_served_by_an_index(shop: Shop, admin_url: str) -> None:
    await shop.create()
    owner = f"CASE n % 3 WHEN 0 THEN '{shop.merchant_id}' ELSE 'mer_' || lpad((n % 3)::text, 32, '0') END"
    later = "'2030-01-01'::timestamptz + n * interval '1 s'"
    await multiply(
        admin_url,
        '"order"."order"',
        "order_id",
        3_000,
        merchant_id=owner,
        merchant_reference="'reference ' || n",
        create_time=later,
        update_time=later,
    )
    await assert_served(
        shop.runtime,
        order_walk,
        OrderFilter(
            merchant_id="mer", merchant_reference=None, state=None, create_time_min=None, create_time_before=None
        ),
        indexes={("merchant_id", "merchant_reference"): "order_merchant_reference_key", ("merchant_id",): "order_list"},
        values={
            "merchant_id": shop.merchant_id,
            "merchant_reference": "reference 3",
            "state": OrderState.PAID,
            "currency_code": "USD",
            "total_minor_min": 1,
            "total_minor_max": 99,
            "create_time_min": START,
            "create_time_before": START + timedelta(days=9),
            "update_time_min": START,
            "update_time_before": START + timedelta(days=9),
        },
    )
