"""For any items: a batch equals its items one at a time, in rows, in events and in what callers get."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.consume.delivery import Delivered, Impossible, Record
from paykit.contacts.contact import ReceiptContact
from paykit.contacts.erasing import EraseContact
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step
from paykit.testing.runtimes import START
from paystream.merchant.v1.events import MerchantStatus
from paystream.payment.v1 import events as payment_events
from services.order import commands, handlers
from services.order.commands import CancelOrder, CompleteOrder, CreateOrder, UpdateOrder
from services.order.domain import LineItem
from services.order.handlers import FOLLOWED
from tests.event_fields import CAPTURED, DISPUTED, REFUNDED
from tests.integration.order.conftest import Shop
from tests.integration.payment.conftest import merchant_event

ON_ONE_SHOP = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

ALICE, BOB, CAROL = ("mer_" + digit * 32 for digit in "abc")
CAUSE = Cause("cor_property", None, "shop", None)
MOVED: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "capture": (
        payment_events.PaymentSuccess,
        "capture_id",
        {
            "fee_minor": 0,
            "fee_plan_version": 1,
            "method": payment_events.PaymentMethod.CARD,
            "final": False,
            "order_returned_minor": 0,
            **CAPTURED,
        },
    ),
    "refund": (
        payment_events.RefundSuccess,
        "refund_id",
        {
            "capture_id": None,
            "fee_returned_minor": 0,
            "reason": payment_events.RefundReason.OTHER,
            "suspense_minor": 0,
            **REFUNDED,
        },
    ),
    "loss": (
        payment_events.DisputeLost,
        "dispute_id",
        {
            "reason": payment_events.DisputeReason.OTHER,
            "accepted": False,
            "capture_id": None,
            "stage": payment_events.DisputeStage.CHARGEBACK,
            "returned_minor": 0,
            "excess_lost_minor": 0,
            "excess_returned_minor": 0,
            **DISPUTED,
        },
    ),
}
OF_CHANCE = ("order_id", "event_id", "causation_id", "subject_id")
NOWHERE = ReceiptContact(receipt_email="nobody", locale=None)
CONTACTS = {2: ReceiptContact(receipt_email="payer@example.com", locale="de"), 3: NOWHERE}


def order_asked(number: int, merchant_id: str, amount_minor: int, currency_code: str) -> CreateOrder:
    item = LineItem(name="Tea", quantity=2, unit_price_minor=500, amount_minor=amount_minor)
    return CreateOrder(
        merchant_id=merchant_id,
        merchant_reference=f"basket-{number}",
        line_items=(item,),
        total_minor=1_000,
        currency_code=currency_code,
        expire_time=None,
        ttl=timedelta(minutes=number) if number else None,
        metadata="{}",
        contact=CONTACTS.get(number),
        cause=CAUSE,
    )


async def prepared(tx: Tx) -> None:
    """Two active merchants and a suspended one; four orders over 10.00 USD, of which basket-0 is paid by half."""
    for merchant_id, status in ((ALICE, "ACTIVE"), (BOB, "ACTIVE"), (CAROL, "SUSPENDED")):
        await change_merchants(tx, [(merchant_id, 2, MerchantStatus(status))])
    await commands.create_orders(tx, [order_asked(number, ALICE, 1_000, "USD") for number in (0, 1, 2, 4)])
    await capture(tx, [(0, 99, 500, "USD")])


async def cancel(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [
        CancelOrder(order_id=ids.get(number, "ord_none"), reason="out of stock", cause=CAUSE) for number in numbers
    ]
    return await commands.cancel_orders(tx, items)


async def update(tx: Tx, drafts: Sequence[tuple[int, str]]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [UpdateOrder(order_id=ids.get(n, "ord_none"), metadata=metadata, etag="") for n, metadata in drafts]
    return await commands.update_orders(tx, items)


async def erase(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [EraseContact(subject_id=ids.get(n, "ord_none"), reason=f"asked {n}", eraser="shop") for n in numbers]
    return await commands.erase_contacts(tx, items)


async def complete(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [CompleteOrder(order_id=ids.get(number, "ord_none"), cause=CAUSE) for number in numbers]
    return await commands.complete_orders(tx, items)


async def capture(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    return await move(tx, [("capture", *draft) for draft in drafts])


async def move(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    """Captures, refunds and lost disputes, those of one kind that follow each other at once."""
    results: list[Any] = []
    for kind, group in groupby(drafts, key=itemgetter(0)):
        event, id_name, extra = MOVED[kind]
        results += await deliver(tx, [draft[1:] for draft in group], kind=event, id_name=id_name, **extra)
    return results


async def deliver(tx: Tx, drafts: Sequence[Any], *, kind: type[Any], id_name: str, **extra: Any) -> Sequence[Any]:
    ids = await known_ids(tx)
    deliveries = [
        Delivered(
            kind(
                **extra,
                **{id_name: f"{id_name}_{movement}"},
                occurred_at=START,
                merchant_id=ALICE,
                correlation_id="cor_payment",
                aggregate_version=1,
                payment_id=f"pay_{movement}",
                order_id=ids.get(number, "ord_none") if number < 9 else None,
                merchant_reference="charge",
                amount_minor=amount_minor,
                currency_code=currency_code,
                channel="simulator",
                channel_reference="ch_1",
            ),
            Record("payment.events", 0, 0, f"pay_{movement}", b"", ()),
        )
        for number, movement, amount_minor, currency_code in drafts
    ]
    return await FOLLOWED[kind].handler(tx, deliveries)


async def change_merchants(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    deliveries = []
    for who, version, status in drafts:
        event = merchant_event(merchant_id=who, aggregate_version=version, status=status)
        deliveries.append(Delivered(event, Record("merchant.events", 0, version, who, b"", ())))
    return await handlers.on_merchant_changed(tx, deliveries)


async def known_ids(tx: Tx) -> dict[int, str]:
    rows = await tx.fetch('SELECT merchant_reference, order_id FROM "order" WHERE merchant_id = $1', ALICE)
    return {int(row[0].removeprefix("basket-")): row[1] for row in rows}


# Few numbers and few values, so that repetitions, refusals and shared orders are common. 8 is an order that is not
# there, 9 stands for none.
movements = st.tuples(
    st.sampled_from(["capture", "capture", "refund", "loss"]),
    st.sampled_from([0, 0, 1, 1, 2, 8, 9]),
    st.integers(0, 4),
    st.sampled_from([1, 500, 1_000]),
    st.sampled_from(["USD", "USD", "USD", "JPY"]),
)
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "create_orders": (
        commands.create_orders,
        st.builds(
            order_asked,
            st.integers(2, 6),
            st.sampled_from([ALICE, ALICE, BOB, CAROL, "mer_" + "d" * 32]),
            st.sampled_from([1_000, 1_000, 999]),
            st.sampled_from(["USD", "USD", "XXQ"]),
        ),
    ),
    "cancel_orders": (cancel, st.integers(0, 4)),
    "update_orders": (update, st.tuples(st.integers(0, 4), st.sampled_from(['{"till": "4"}', '{"till": "5"}']))),
    "erase_contacts": (erase, st.integers(0, 4)),
    "complete_orders": (complete, st.integers(0, 4)),
    "on_money_moved": (move, movements),
    "on_merchant_changed": (
        change_merchants,
        st.tuples(st.sampled_from([ALICE, BOB]), st.integers(1, 4), st.sampled_from(list(MerchantStatus))),
    ),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_SHOP
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(shop: Shop, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    await assert_batch_equals_singles(shop.runtime, step, data.draw(st.lists(drafts, min_size=2, max_size=10)))


async def test_the_property_would_notice_a_difference(shop: Shop) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return [*await capture(tx, items[:1]), *[None] * (len(items) - 1)]

    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(shop.runtime, forgetful, [(0, 1, 1, "USD"), (1, 2, 1, "USD")])


async def assert_batch_equals_singles(runtime: Runtime, step: Step, drafts: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return [outcome(result) for result in results], await rows(tx), told(runtime, tx)

    await batches.assert_batch_equals_singles(runtime, step, drafts, look=look, prepare=prepared)


def outcome(result: Any) -> Any:
    """A result without the ids that chance gave it."""
    refusal = result.error if isinstance(result, Impossible) else result
    if isinstance(refusal, DomainError):
        return refusal.reason, refusal.field, anonymous(refusal.metadata)
    return None if result is None else anonymous(asdict(result))


def anonymous(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in OF_CHANCE}


async def rows(tx: Tx) -> dict[str, list[str]]:
    """Every row without ids of chance, in an order that does not depend on them."""
    of_order = 'SELECT merchant_reference, t.* FROM "order" JOIN {} t USING (order_id)'
    queries = {
        "order": 'SELECT * FROM "order"',
        "line_item": of_order.format("line_item"),
        "movement": of_order.format("movement"),
        "merchant": "SELECT * FROM merchant",
        "contact": 'SELECT merchant_reference, t.* FROM "order" JOIN contact t ON subject_id = order_id',
    }
    return {table: sorted(repr(anonymous(dict(row))) for row in await tx.fetch(sql)) for table, sql in queries.items()}


def told(runtime: Runtime, tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """The events of each order, in order."""
    by_reference = defaultdict(list)
    for row in tx.emitted:
        event: Any = runtime.codec.decode(row[7])
        about = {"record": row[3]} | anonymous(event.as_record())
        by_reference[f"{event.merchant_id} {event.merchant_reference}"].append(about)
    return by_reference
