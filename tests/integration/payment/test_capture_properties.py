"""For any items about authorized payments and orders: a batch equals its items one at a time."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.consume.delivery import Delivered, Record
from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.batches import Step
from paystream.order.v1 import events as order_events
from services.payment import commands, handlers
from services.payment.commands.capture import CancelPayment, Captured, CapturePayment
from services.payment.commands.payment import CreatePayment, UpdatePayment
from services.payment.domain.payment import CaptureMode
from tests.integration.payment.conftest import House, order_event
from tests.integration.payment.test_properties import (
    ALICE,
    BOB,
    CAUSE,
    NUMBERS,
    ON_ONE_HOUSE,
    OUTCOMES,
    anonymous,
    change_merchants,
    outcome,
    payment_asked,
    rows,
    told,
)

BASKET, CART = ("ord_" + digit * 32 for digit in "12")
KINDS = [order_events.OrderCreated, order_events.OrderPaid, order_events.OrderCancelled, order_events.OrderExpired]


def asked(number: int, amount_minor: int, order_id: str | None, mode: CaptureMode, merchant: str) -> CreatePayment:
    made = payment_asked(number, merchant, amount_minor, "USD")
    return replace(made, order_id=order_id, capture_mode=mode)


async def prepared(tx: Tx) -> None:
    """Two orders; order-0 is authorized, order-1 also being captured, order-2 being charged, order-3 waits."""
    for merchant_id in (ALICE, BOB):
        await change_merchants(tx, [(merchant_id, 2, "ACTIVE", 290)])
    for order_id in (BASKET, CART):
        await change_orders(tx, [(order_id, 1, order_events.OrderCreated)])
    manual, automatic = CaptureMode.MANUAL, CaptureMode.AUTOMATIC
    modes = [(0, BASKET, manual), (1, BASKET, manual), (2, CART, automatic), (3, CART, manual)]
    await commands.payment.create_payments(
        tx, [asked(number, 1_000, order_id, mode, ALICE) for number, order_id, mode in modes]
    )
    await start(tx, "order-0", "order-1", "order-2")
    await record(tx, [(0, "AUTHORIZE", "SUCCEEDED"), (1, "AUTHORIZE", "SUCCEEDED")])
    await capture_payments(tx, [(1, 400, "USD", False)])
    await start(tx, "order-1")


async def start(tx: Tx, *references: str) -> None:
    sql = (
        "UPDATE attempt SET state = 'STARTED', start_time = now() FROM payment WHERE attempt.state = 'PENDING'"
        " AND payment.payment_id = attempt.payment_id AND merchant_reference = ANY($1::text[])"
    )
    await tx.run(sql, list(references))


async def capture_payments(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await payment_ids(tx)
    items = [
        CapturePayment(payment_id=ids[n], amount_minor=amount, currency_code=currency, final=final, cause=CAUSE)
        for n, amount, currency, final in drafts
    ]
    return await commands.capture.capture_payments(tx, items)


async def cancel_payments(tx: Tx, drafts: Sequence[int]) -> Sequence[Any]:
    ids = await payment_ids(tx)
    items = [CancelPayment(payment_id=ids[n], reason="changed their mind", cause=CAUSE) for n in drafts]
    return await commands.capture.cancel_payments(tx, items)


async def update_payments(tx: Tx, drafts: Sequence[tuple[int, str]]) -> Sequence[Any]:
    ids = await payment_ids(tx)
    items = [UpdatePayment(payment_id=ids[n], metadata=metadata, etag="") for n, metadata in drafts]
    return await commands.payment.update_payments(tx, items)


async def record(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await attempt_ids(tx)
    items = [
        Evidence(
            attempt_id=ids.get((number, action), "att_none"),
            source=Source.RESPONSE,
            outcome=EvidenceOutcome(result),
            channel_reference=f"ch_{number}_{action}",
        )
        for number, action, result in drafts
    ]
    return await commands.evidence.record_evidence(tx, [RecordEvidence(evidence=each, cause=CAUSE) for each in items])


async def change_orders(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    return await handlers.on_order_changed(tx, [delivered(*draft) for draft in drafts])


async def close_orders(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    return await handlers.on_order_closed(tx, [delivered(*draft) for draft in drafts])


def delivered(order_id: str, version: int, kind: type[Any]) -> Delivered[Any]:
    event = order_event(
        kind, order_id=order_id, aggregate_version=version, merchant_id=ALICE, total_minor=2_500, correlation_id="cor_o"
    )
    return Delivered(event, Record("order.events", 0, version, order_id, b"", ()))


async def payment_ids(tx: Tx) -> dict[int, str]:
    found = await tx.fetch("SELECT merchant_reference, payment_id FROM payment")
    return {int(row[0].removeprefix("order-")): row[1] for row in found}


async def attempt_ids(tx: Tx) -> dict[tuple[int, str], str]:
    """The attempts by the number of their payment and what they ask."""
    found = await tx.fetch("SELECT merchant_reference, action, attempt_id FROM payment JOIN attempt USING (payment_id)")
    return {(int(row[0].removeprefix("order-")), row[1]): row[2] for row in found}


orders = st.tuples(st.sampled_from([BASKET, CART, "ord_" + "3" * 32]), st.integers(1, 5), st.sampled_from(KINDS))
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "capture_payments": (
        capture_payments,
        st.tuples(
            NUMBERS,
            st.sampled_from([100, 300, 700, None]),
            st.sampled_from(["USD", "USD", "USD", "JPY", None]),
            st.sampled_from([False, False, True]),
        ),
    ),
    "cancel_payments": (cancel_payments, NUMBERS),
    "update_payments": (update_payments, st.tuples(NUMBERS, st.sampled_from(['{"till": "4"}', '{"till": "5"}']))),
    "on_order_changed": (change_orders, orders),
    "on_order_closed": (
        close_orders,
        st.tuples(st.sampled_from([BASKET, CART]), st.integers(1, 5), st.sampled_from(KINDS[2:])),
    ),
}
MORE: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "create_payments_for_orders": (
        commands.payment.create_payments,
        st.builds(
            asked,
            st.integers(2, 7),
            st.sampled_from([200, 500, 600]),
            st.sampled_from([BASKET, BASKET, CART, None, "ord_" + "3" * 32]),
            st.sampled_from(CaptureMode),
            st.sampled_from([ALICE, ALICE, ALICE, BOB]),
        ),
    ),
    "record_evidence_about_authorizations": (
        record,
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["AUTHORIZE", "CAPTURE", "CAPTURE", "CHARGE"]),
            st.sampled_from([*OUTCOMES, "SUCCEEDED", "FAILED"]),
        ),
    ),
}


@pytest.mark.parametrize("name", [*STEPS, *MORE])
@ON_ONE_HOUSE
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    step, drafts = (STEPS | MORE)[name]
    drawn = data.draw(st.lists(drafts, min_size=2, max_size=8))
    if step in {change_orders, close_orders}:  # The events of a key come in the order of its versions.
        drawn = [(order_id, 2 + place, kind) for place, (order_id, _, kind) in enumerate(drawn)]

    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return [seen(result) for result in results], await rows(tx), told(house.runtime, tx)

    await batches.assert_batch_equals_singles(house.runtime, step, drawn, look=look, prepare=prepared)


def seen(result: Any) -> Any:
    """A result without the ids that chance gave it."""
    if isinstance(result, Captured):
        return anonymous(asdict(result.capture)), anonymous(asdict(result.payment))
    return outcome(result)
