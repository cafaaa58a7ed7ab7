"""Events as they arrive on Kafka: what is counted of captures does not depend on which way they are read."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from paykit.consume.application import Application, BatchResult
from paykit.consume.delivery import Record
from paykit.consume.prepared import ReadyEvent
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.testing.batches import undone
from paystream.payment.v1 import events as payment
from services.analytics.domain.excerpt import CapturedExcerpt
from services.analytics.service import SERVICE
from tests.integration.analytics.conftest import Observatory
from tests.unit.analytics.builders import example

ROWS = {
    "figure": "SELECT * FROM figure ORDER BY 1, 2, 3, 4, 5, 6, 7, 8",
    "payment_origin": "SELECT * FROM payment_origin ORDER BY payment_id",
    "inbox": "SELECT day, handler, event_id FROM inbox ORDER BY 1, 2, 3",
    "figure_change": "SELECT merchant_id, currency_code, quarter_time FROM figure_change ORDER BY 1, 2, 3",
}
PAYMENTS = [new_id("pay") for _ in range(4)]


def application(observatory: Observatory, *, fast: bool) -> Application:
    """Return the consuming side of analytics, with or without its fast lane."""
    subscriptions = [
        dataclasses.replace(
            subscription,
            handles={
                event: handle if fast else dataclasses.replace(handle, fast_lane=None)
                for event, handle in subscription.handles.items()
            },
        )
        for subscription in SERVICE.subscriptions
    ]
    return Application(service="analytics", subscriptions=subscriptions, codec=observatory.runtime.codec)


async def arrive(observatory: Observatory, tx: Tx, events: Sequence[Any], *, fast: bool) -> BatchResult:
    consuming = application(observatory, fast=fast)
    records = [
        Record(event.TOPIC, at % 3, at, event.payment_id, observatory.runtime.codec.encode(event, stamps={}), [])
        for at, event in enumerate(events)
    ]
    found = [consuming.prepare(record) for record in records]
    kinds = {
        type(each.event) for each in found if isinstance(each, ReadyEvent) and each.name.endswith("PaymentSuccess")
    }
    assert kinds == {CapturedExcerpt if fast else payment.PaymentSuccess}
    return await consuming.apply(tx, [each for each in found if each is not None])


def events_of(observatory: Observatory) -> list[Any]:
    """Return payments that begin, captures of each in parts, one without a beginning, and captures that come again."""
    common: dict[str, Any] = {"merchant_id": observatory.merchant_id, "currency_code": "USD", "channel": "simulator"}
    card, wallet = payment.PaymentMethod.CARD, payment.PaymentMethod.WALLET
    begun = [
        example(payment.PaymentCreated, payment_id=payment_id, amount_minor=900, method=method, **common)
        for payment_id, method in zip(PAYMENTS[:3], (card, wallet, card), strict=True)
    ]
    captured = [
        example(
            payment.PaymentSuccess,
            event_id=new_id("evt"),
            payment_id=payment_id,
            amount_minor=100 + number,
            fee_minor=number % 3,
            method=wallet if payment_id == PAYMENTS[1] else card,
            **common,
        )
        for number, payment_id in enumerate([*PAYMENTS, *PAYMENTS[:2]])
    ]
    return [*begun, *captured, captured[0], captured[3]]


async def test_every_row_is_the_same_whichever_way_captures_take(observatory: Observatory) -> None:
    await observatory.runtime.codec.prepare([payment.PaymentCreated, payment.PaymentSuccess])
    await observatory.know_merchant()
    events = events_of(observatory)
    seen: list[Any] = []

    async def run(tx: Tx, *, fast: bool) -> None:
        result = await arrive(observatory, tx, events, fast=fast)
        rows = {table: [tuple(row) for row in await tx.fetch(sql)] for table, sql in ROWS.items()}
        seen.append((result.applied, result.not_applied, rows))

    await undone(observatory.runtime, partial(run, fast=True))
    await undone(observatory.runtime, partial(run, fast=False))
    assert seen[0] == seen[1]
    assert (seen[0][0], seen[0][1], len(seen[0][2]["inbox"])) == (11, [], 9)


@pytest.mark.parametrize("ways", [(True, False), (False, True), (True, True)])
async def test_a_capture_that_comes_by_both_ways_counts_once(observatory: Observatory, ways: tuple[bool, bool]) -> None:
    await observatory.runtime.codec.prepare([payment.PaymentCreated, payment.PaymentSuccess])
    await observatory.know_merchant()
    events = events_of(observatory)
    for fast in ways:
        await observatory.runtime.transaction(lambda tx, fast=fast: arrive(observatory, tx, events, fast=fast))  # type: ignore[misc]
    counted = "SELECT sum(count)::int, sum(amount_minor)::int FROM figure WHERE measure = 'CAPTURED'"
    [row] = await observatory.runtime.read(lambda tx: tx.fetch(counted))
    # Six captures of 100 to 105.
    assert tuple(row) == (6, 615)
