"""Whether a payment may be for an order, and what of a capture goes back."""

from typing import Any

import pytest

from paykit.errors import DomainError
from services.payment.domain import order
from services.payment.domain.order import ProjectedOrder, ProjectedOrderState

MERCHANT_ID = "mer_" + "5" * 32


def known(state: ProjectedOrderState = ProjectedOrderState.OPEN) -> ProjectedOrder:
    return ProjectedOrder(
        order_id="ord_1",
        merchant_id=MERCHANT_ID,
        currency_code="USD",
        total_minor=10_000,
        state=state,
        correlation_id="cor_1",
        aggregate_version=1,
    )


def refusal(wanted: ProjectedOrder, **asked: Any) -> DomainError | None:
    """What the order refuses a payment with; None if it can be paid for."""
    try:
        order.require_payable(wanted, **asked)
    except DomainError as refused:
        return refused
    return None


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

    refused = refusal(known(), **asked, left_minor=4_000)

    assert (refused and refused.reason, refused.metadata if refused else {}) == (reason, metadata)


@pytest.mark.parametrize(
    "state", [ProjectedOrderState.PAID, ProjectedOrderState.CANCELLED, ProjectedOrderState.EXPIRED]
)
def test_an_order_that_is_not_open_is_not_paid_for(state: ProjectedOrderState) -> None:
    asked: dict[str, Any] = {"merchant_id": MERCHANT_ID, "currency_code": "USD", "amount_minor": 1}

    with pytest.raises(order.OrderClosed) as refused:
        order.require_payable(known(state), **asked, left_minor=10_000)

    assert (refused.value.reason, refused.value.metadata) == ("ORDER_CLOSED", {"state": state})


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
    wanted = known(ProjectedOrderState(state))

    assert order.refund_of_capture(wanted, amount_minor=6_000, paid_minor=captured_minor) == due
