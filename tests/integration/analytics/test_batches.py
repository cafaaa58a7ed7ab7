"""A batch of events counts as the same events do one at a time, in any split and any order across payments."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.consume.delivery import Delivered, Record
from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.batches import Step
from paystream.payment.v1 import events as payment
from services.analytics import handlers
from tests.integration.analytics.conftest import Observatory
from tests.integration.payment.conftest import merchant_event
from tests.unit.analytics.builders import NOON, example

ON_ONE_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
FIGURES = """
SELECT merchant_id, currency_code, quarter_time, channel, method, measure, reason, stripe, count, amount_minor,
    duration_ms
FROM figure ORDER BY figure::text
"""
TABLES = (FIGURES, "SELECT * FROM payment_origin ORDER BY payment_id", "SELECT * FROM merchant ORDER BY merchant_id")

payments = st.sampled_from([f"pay_{number:032x}" for number in range(3)])
merchants = st.sampled_from(["mer_" + digit * 32 for digit in "ab"])
moments = st.integers(0, 40).map(lambda minutes: NOON + timedelta(minutes=minutes))
facts = st.fixed_dictionaries(
    {
        "payment_id": payments,
        "merchant_id": merchants,
        "currency_code": st.sampled_from(["USD", "JPY"]),
        "amount_minor": st.integers(1, 1_000),
        "occurred_at": moments,
        "channel": st.sampled_from(["north", "south"]),
    }
)
created = st.lists(facts.map(lambda given: example(payment.PaymentCreated, **given)), min_size=2, max_size=8)
captured = st.lists(facts.map(lambda given: example(payment.PaymentSuccess, **given)), min_size=2, max_size=8)
refunded = st.lists(facts.map(lambda given: example(payment.RefundSuccess, **given)), min_size=2, max_size=8)
changed = st.lists(
    st.builds(
        lambda merchant_id, version: merchant_event(merchant_id=merchant_id, aggregate_version=version),
        merchants,
        st.integers(1, 5),
    ),
    min_size=2,
    max_size=8,
)


def delivered(event: Any) -> Delivered[Any]:
    key = str(getattr(event, event.KEY))
    return Delivered(event, Record(event.TOPIC, int(key[-1], 16) % 3, 0, key, b"", ()))


async def on_event(tx: Tx, events: Sequence[Any]) -> Sequence[Any]:
    return await handlers.on_event(tx, list(map(delivered, events)))


async def on_merchant_changed(tx: Tx, events: Sequence[Any]) -> Sequence[Any]:
    return await handlers.on_merchant_changed(tx, list(map(delivered, events)))


STEPS: dict[str, Step] = {"on_event": on_event, "on_merchant_changed": on_merchant_changed}


async def rows(tx: Tx, _results: Sequence[Any] = ()) -> list[Any]:
    return [list(map(tuple, await tx.fetch(table))) for table in TABLES]


async def two_payments(tx: Tx) -> None:
    """Two of three payments are known, and one of them is captured."""
    first, second = (example(payment.PaymentCreated, payment_id=f"pay_{number:032x}") for number in range(2))
    await on_event(tx, [first, second])
    await on_event(tx, [example(payment.PaymentSuccess, payment_id=first.payment_id)])


@ON_ONE_DATABASE
@given(events=st.one_of(created, captured, refunded))
async def test_events(observatory: Observatory, events: list[Any]) -> None:
    await batches.assert_batch_equals_singles(
        observatory.runtime, STEPS["on_event"], events, look=rows, prepare=two_payments
    )


@ON_ONE_DATABASE
@given(events=changed)
async def test_merchants(observatory: Observatory, events: list[Any]) -> None:
    await batches.assert_batch_equals_singles(observatory.runtime, STEPS["on_merchant_changed"], events, look=rows)


@ON_ONE_DATABASE
@given(events=captured, random=st.randoms(use_true_random=False), size=st.integers(1, 5))
async def test_any_split_and_any_order_across_payments(
    observatory: Observatory, events: list[Any], random: Any, size: int
) -> None:
    first_of = {event.payment_id: event for event in reversed(events)}
    alone = list(first_of.values())  # One capture of each payment: those of one payment have an order.

    async def counted(tx: Tx, order: list[Any]) -> list[Any]:
        await two_payments(tx)
        for at in range(0, len(order), size):
            await on_event(tx, order[at : at + size])
        return await rows(tx)

    shuffled = random.sample(alone, len(alone))
    in_order = await batches.undone(observatory.runtime, lambda tx: counted(tx, alone))
    out_of_order = await batches.undone(observatory.runtime, lambda tx: counted(tx, shuffled))
    assert in_order == out_of_order
