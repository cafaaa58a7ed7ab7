"""The indexes that serve lists of payments, refunds and disputes, whatever they are filtered by."""

import dataclasses
from datetime import timedelta

import pytest

from paykit.postgres.database import Tx
from paykit.postgres.lists import walk
from paykit.testing.runtimes import START
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import store
from services.payment.domain.dispute import DisputeState
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import CaptureMode, PaymentState
from services.payment.store import DisputeFilter, PaymentFilter, RefundFilter
from services.payment.store.dispute import dispute_walk, to_answer_walk
from services.payment.store.payment import payment_walk
from services.payment.store.refund import refund_walk
from tests.integration.list_plans import assert_served, multiply, walked_to_the_end
from tests.integration.payment.conftest import House
from tests.integration.payment.disputing import disputed

ROWS = 3_000
BOUNDS = {
    "currency_code": "USD",
    "amount_minor_min": 1,
    "amount_minor_max": 99,
    "create_time_min": START,
    "create_time_before": START + timedelta(days=9),
    "update_time_min": START,
    "update_time_before": START + timedelta(days=9),
}
LATER = "'2030-01-01'::timestamptz + n * interval '1 s'"
"""Another moment for each copy; they are in the order of their ids."""

NO_PAYMENTS = PaymentFilter(
    merchant_id=None,
    order_id=None,
    merchant_reference=None,
    state=None,
    capture_mode=None,
    create_time_min=None,
    create_time_before=None,
)
NO_REFUNDS = RefundFilter(
    payment_id=None,
    merchant_id=None,
    merchant_reference=None,
    state=None,
    create_time_min=None,
    create_time_before=None,
)
NO_DISPUTES = DisputeFilter(
    payment_id=None, merchant_id=None, state=None, create_time_min=None, create_time_before=None
)


@pytest.fixture
async def merchant_id(house: House, admin_url: str) -> str:
    """A merchant with a third of 3,000 payments, refunds, disputes and attempts, and with the first of each."""
    dispute = await disputed(house)
    payment = await house.get(dispute.payment_id)
    await house.refund(payment.payment_id, 1)
    owner = f"CASE n % 3 WHEN 0 THEN '{payment.merchant_id}' ELSE 'mer_' || lpad((n % 3)::text, 32, '0') END"
    times = {"create_time": LATER, "update_time": LATER, "merchant_id": owner}
    order = "CASE n % 100 WHEN 0 THEN 'ord_' || n % 1000 END"
    reference = "'reference ' || n"
    await multiply(
        admin_url, "payment.payment", "payment_id", ROWS, merchant_reference=reference, order_id=order, **times
    )
    parent = "'pay_' || lpad(to_hex(n / 2), 32, '0')"
    await multiply(
        admin_url, "payment.refund", "refund_id", ROWS, payment_id=parent, merchant_reference=reference, **times
    )
    await multiply(
        admin_url,
        "payment.dispute",
        "dispute_id",
        ROWS,
        payment_id=parent,
        dispute_reference=reference,
        respond_by=LATER,
        **times,
    )
    attempt = {"payment_id": "'pay_' || lpad(to_hex(n), 32, '0')", "channel_reference": "'ch ' || n / 2"}
    await multiply(admin_url, "payment.attempt", "attempt_id", ROWS, **attempt)
    return payment.merchant_id


async def test_every_filter_of_payments_is_served_by_an_index(house: House, merchant_id: str) -> None:
    await assert_served(
        house.runtime,
        payment_walk,
        NO_PAYMENTS,
        indexes={
            ("merchant_id", "merchant_reference"): "payment_merchant_reference_key",
            ("order_id",): "payment_order",
            ("merchant_id",): "payment_of_merchant",
        },
        values=BOUNDS
        | {
            "merchant_id": merchant_id,
            "order_id": "ord_0",
            "merchant_reference": "reference 3",
            "state": PaymentState.SUCCEEDED,
            "capture_mode": CaptureMode.AUTOMATIC,
            "channel": "simulator",
            "method": events.PaymentMethod.CARD,
        },
    )


async def test_every_filter_of_refunds_is_served_by_an_index(house: House, merchant_id: str) -> None:
    await assert_served(
        house.runtime,
        refund_walk,
        NO_REFUNDS,
        indexes={
            ("merchant_id", "merchant_reference"): "refund_merchant_reference_key",
            ("payment_id",): "refund_payment",
            ("merchant_id",): "refund_list",
        },
        values=BOUNDS
        | {
            "merchant_id": merchant_id,
            "payment_id": "pay_1",
            "merchant_reference": "reference 3",
            "state": MovementState.SUCCEEDED,
            "channel_reference": "ch",
        },
    )


DISPUTE_VALUES = BOUNDS | {
    "payment_id": "pay_1",
    "state": DisputeState.OPENED,
    "channel": "simulator",
    "dispute_reference": "reference 3",
    "stage": events.DisputeStage.CHARGEBACK,
    "respond_by_min": START,
    "respond_by_before": START,
}


async def test_every_filter_of_disputes_is_served_by_an_index(house: House, merchant_id: str) -> None:
    await assert_served(
        house.runtime,
        dispute_walk,
        NO_DISPUTES,
        indexes={
            ("channel", "dispute_reference"): "dispute_reference_key",
            ("payment_id",): "dispute_payment",
            ("merchant_id",): "dispute_list",
        },
        values=DISPUTE_VALUES | {"merchant_id": merchant_id},
    )


async def test_disputes_to_answer_are_read_in_the_order_of_their_times(house: House, merchant_id: str) -> None:
    await assert_served(
        house.runtime,
        to_answer_walk,
        NO_DISPUTES,
        indexes={(): "dispute_respond_by"},
        values=DISPUTE_VALUES | {"merchant_id": merchant_id},
    )


async def test_payments_are_found_by_what_a_channel_calls_them(house: House, merchant_id: str) -> None:
    meant = store.ChannelReference("ch 7", None)

    async def explained(tx: Tx) -> str:
        plan = await tx.fetch(
            "EXPLAIN (GENERIC_PLAN) SELECT payment_id FROM payment WHERE payment_id IN "
            "(SELECT payment_id FROM attempt WHERE channel_reference = $1) ORDER BY payment_id LIMIT $2",
            meant.channel_reference,
            51,
        )
        return "\n".join(row[0] for row in plan)

    plan = await house.runtime.read(explained)
    assert ("attempt_called" in plan, "payment_pkey" in plan, "Seq Scan" in plan) == (True, True, False)
    found = await house.runtime.read(lambda tx: store.payments.by_channel_reference(tx, meant, after=None, limit=51))
    assert [payment.payment_id for payment in found] == [f"pay_{n:032x}" for n in (14, 15)]


async def test_a_page_looks_at_ten_thousand_rows_and_the_next_goes_on_behind_them(house: House, admin_url: str) -> None:
    assert walk.EXAMINED_ROWS_MAX == 10_000
    await house.create()
    orders = "CASE n % 1000 WHEN 100 THEN 'ord_1' END"
    reference = "'reference ' || n"
    times = {"create_time": LATER, "update_time": LATER}
    await multiply(
        admin_url, "payment.payment", "payment_id", 20_000, merchant_reference=reference, order_id=orders, **times
    )
    of_merchant = dataclasses.replace(payment_walk, scopes=(("merchant_id",),))
    rare = dataclasses.replace(NO_PAYMENTS, merchant_id=house.merchant_id, order_id="ord_1")
    found, pages = await walked_to_the_end(house.runtime, of_merchant, rare, limit=51)
    # The newest first: 10,000 rows with ten of them, 10,000 more with ten, and the one payment that was not copied.
    assert found == [f"pay_{n:032x}" for n in range(19_100, 0, -1_000)]
    assert pages == 3
    oldest = dataclasses.replace(rare, oldest_first=True)
    found, pages = await walked_to_the_end(house.runtime, of_merchant, oldest, limit=51)
    assert (found, pages) == ([f"pay_{n:032x}" for n in range(100, 20_000, 1_000)], 3)
    request = pb.ListPaymentsRequest(merchant_id=house.merchant_id, state=pb.PAYMENT_STATE_FAILED)
    answered = await house.call.ListPayments(request, None)
    assert (len(answered.payments), answered.next_page_token != "") == (0, True)
