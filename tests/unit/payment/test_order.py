"""Whether a payment may be for an order, and what of a capture goes back."""

from typing import Any

import pytest

from services.payment.domain import order
from services.payment.domain.order import Order, OrderState

MERCHANT_ID = "mer_" + "5" * 32


def known(state: OrderState = OrderState.OPEN) -> Order:
    return Order(
        order_id="ord_1",
        merchant_id=MERCHANT_ID,
        currency_code="USD",
        total_minor=10_000,
        state=state,
        correlation_id="cor_1",
        aggregate_version=1,
    )


@pytest.mark.parametrize(
    ("changes", "reason", "metadata"),
    [
        ({}, None, {}),
        ({"merchant_id": "mer_other"}, "ORDER_MERCHANT_MISMATCH", {}),
        ({"currency_code": "EUR"}, "ORDER_CURRENCY_MISMATCH", {"currency_code": "USD"}),
        ({"amount_minor": 4_001}, "ORDER_AMOUNT_EXCEEDED", {"left_minor": "4000", "currency_code": "USD"}),
    ],
)
def test_a_payment_matches_its_order(changes: dict[str, Any], reason: str | None, metadata: dict[str, str]) -> None:
    asked: dict[str, Any] = {"merchant_id": MERCHANT_ID, "currency_code": "USD", "amount_minor": 4_000} | changes

    refused = order.refusal(known(), **asked, left_minor=4_000)

    assert (refused and refused.reason, refused.metadata if refused else {}) == (reason, metadata)


@pytest.mark.parametrize("state", [OrderState.PAID, OrderState.CANCELLED, OrderState.EXPIRED])
def test_an_order_that_is_not_open_is_not_paid_for(state: OrderState) -> None:
    asked: dict[str, Any] = {"merchant_id": MERCHANT_ID, "currency_code": "USD", "amount_minor": 1}

    refused = order.refusal(known(state), **asked, left_minor=10_000)

    assert refused
    assert (refused.reason, refused.metadata) == ("ORDER_CLOSED", {"state": state})


@pytest.mark.parametrize(
    ("state", "captured_minor", "due"),
    [
        ("OPEN", 10_000, None),
        ("PAID", 10_000, None),
        ("PAID", 10_001, (1, "DUPLICATE")),
        ("OPEN", 18_000, (6_000, "DUPLICATE")),
        ("CANCELLED", 6_000, (6_000, "ORDER_CANCELLED")),
        ("EXPIRED", 18_000, (6_000, "ORDER_CANCELLED")),
    ],
)
def test_what_an_order_does_not_want_goes_back(state: str, captured_minor: int, due: tuple[int, str] | None) -> None:
    wanted = known(OrderState(state))

    assert order.refund_of_capture(wanted, amount_minor=6_000, captured_minor=captured_minor) == due
