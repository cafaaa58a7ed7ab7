"""For any refunds given up, and any word of the ledger: a batch equals its items one at a time."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.consume.delivery import Delivered, Record
from paykit.postgres.database import Tx
from paykit.testing.batches import Step
from paystream.merchant.v1.events import RefundPolicy
from services.payment import commands, handlers
from services.payment.commands.refund_funds import CancelRefund
from tests.integration.payment import test_properties as of_payment
from tests.integration.payment.conftest import House, merchant_event
from tests.integration.payment.ledger import transaction
from tests.integration.payment.test_properties import ALICE, BOB, CAUSE, ON_ONE_HOUSE


async def prepared(tx: Tx) -> None:
    """As for payments, where order-0 is captured; refunds of 100 and 200 of it wait, one of 50 is sent."""
    await of_payment.prepared(tx)
    queueing = merchant_event(merchant_id=ALICE, aggregate_version=3, refund_policy=RefundPolicy.QUEUE)
    await handlers.on_merchant_changed(tx, [Delivered(queueing, Record("merchant.events", 0, 3, ALICE, b"", ()))])
    await follow(tx, [("merchant.settlement", ALICE, 50, "Any", 0)])
    for amount_minor in (50, 100, 200):
        tx.restart_lock_order()
        await of_payment.create_refunds(tx, [(0, amount_minor, "USD")])
    tx.restart_lock_order()


async def known_refunds(tx: Tx) -> dict[int, str]:
    """Refunds by their amounts."""
    return {
        row["amount_minor"]: row["refund_id"] for row in await tx.fetch("SELECT amount_minor, refund_id FROM refund")
    }


async def cancel(tx: Tx, amounts: Sequence[int]) -> Sequence[Any]:
    ids = await known_refunds(tx)
    items = [
        CancelRefund(refund_id=ids.get(amount, "ref_none"), reason="asked twice", cause=CAUSE) for amount in amounts
    ]
    return await commands.refund_funds.cancel_refunds(tx, items)


async def follow(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_refunds(tx)
    deliveries = []
    for place, (kind, merchant_id, amount_minor, transaction_type, refunded) in enumerate(drafts):
        event = transaction(
            merchant_id, (kind, amount_minor), transaction_type=transaction_type, related_no=ids.get(refunded, "x")
        )
        deliveries.append(Delivered(event, Record("accounting.events", 0, place, "pay_1", b"", ())))
    return await handlers.on_transaction_created(tx, deliveries)


STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "cancel_refunds": (cancel, st.sampled_from([50, 100, 200, 300])),
    "on_transaction_created": (
        follow,
        st.tuples(
            st.sampled_from(["merchant.settlement", "merchant.available", "merchant.reserve"]),
            st.sampled_from([ALICE, BOB]),
            st.integers(-300, 300).filter(bool),
            st.sampled_from(["RefundSuccess", "PaymentSuccess"]),
            st.sampled_from([50, 100, 200]),
        ),
    ),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_HOUSE
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    drawn = data.draw(st.lists(drafts, min_size=2, max_size=8))
    await of_payment.assert_batch_equals_singles(house.runtime, step, drawn, prepare=prepared)
