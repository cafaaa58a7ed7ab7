"""A service with a projection of payments: the amount of each, and whether it failed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from paykit.consume.delivery import Delivered, Handle, Handler, HandlerResult, Impossible, NotYet, Subscription
from paykit.postgres.database import Tx
from paykit.process.service import Service
from paystream.payment.v1 import events
from tests import probe

if TYPE_CHECKING:
    from paykit.events.event import Event

_INSERT = "INSERT INTO standing VALUES ($1, $2, false) ON CONFLICT DO NOTHING"
_FAIL = "UPDATE standing SET failed = true WHERE payment_id = $1"


async def on_created(tx: Tx, deliveries: Sequence[Delivered[events.PaymentCreated]]) -> list[HandlerResult]:
    outcomes: list[HandlerResult] = []
    for delivery in deliveries:
        event = delivery.event
        if event.amount_minor == probe.REFUSED_MINOR:
            outcomes.append(Impossible(probe.Unlucky("thirteen")))
            continue
        await tx.run(_INSERT, event.payment_id, event.amount_minor)
        outcomes.append(None)
    return outcomes


async def on_failed(tx: Tx, deliveries: Sequence[Delivered[events.PaymentFailed]]) -> list[HandlerResult]:
    return [
        None if await tx.run(_FAIL, delivery.event.payment_id) else NotYet("PaymentCreated") for delivery in deliveries
    ]


def service(*, created: Handler = on_created, failed: Handler = on_failed) -> Service:
    """The service, with other ways to rebuild where given."""
    handles: dict[type[Event], Handle] = {
        events.PaymentCreated: Handle(handler=on_created, rebuild=created),
        events.PaymentFailed: Handle(handler=on_failed, deduplication="inbox", rebuild=failed),
    }
    ignores = probe.ALL_RECORDS - {event.RECORD for event in handles}
    subscription = Subscription(topic="payment.events", handles=handles, ignores=ignores)
    return replace(probe.SERVICE, records=("counter", "seen"), projections=("standing",), subscriptions=(subscription,))
