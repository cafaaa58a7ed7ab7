"""Orders in a given state, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.order.domain import LineItem, Order

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
ORDER_ID = "ord_" + "1" * 32
MERCHANT_ID = "mer_" + "2" * 32
PAYMENT_ID = "pay_" + "3" * 32
REFUND_ID = "ref_" + "4" * 32

ITEMS = (
    LineItem(name="Tea", quantity=3, unit_price_minor=250, amount_minor=750),
    LineItem(name="Cup", quantity=1, unit_price_minor=1_250, amount_minor=1_250),
)


def order(**changes: Any) -> Order:
    """An order over 20.00 USD: three teas and a cup."""
    given: dict[str, Any] = {
        "order_id": ORDER_ID,
        "merchant_id": MERCHANT_ID,
        "merchant_reference": "basket-7",
        "total_minor": 2_000,
        "currency_code": "USD",
        "locale": "de-AT",
        "item_count": 2,
        "metadata": "{}",
        "correlation_id": "cor_1",
        "expire_time": None,
        "create_time": NOON,
        "update_time": NOON,
        "line_items": ITEMS,
    }
    return Order(**given | changes)
