"""What the analytics service is made of."""

from dataclasses import replace

from paykit.consume.delivery import FastLane, Handle, Subscription
from paykit.events import classes
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.payment.v1.events import PaymentSuccess
from services.analytics import handlers, jobs, rpc
from services.analytics.domain.counting import COUNTED
from services.analytics.domain.excerpt import CapturedExcerpt

_COUNTED = Handle(handler=handlers.on_event, rebuild=handlers.keep_figures, deduplication="inbox")
_CAPTURED = replace(_COUNTED, fast_lane=FastLane(fields=CapturedExcerpt._fields, take=CapturedExcerpt.of))


def _subscription(topic: str) -> Subscription:
    """What of a topic counts is data of the domain; the rest moves no figure."""
    handles = {event: _CAPTURED if event is PaymentSuccess else _COUNTED for event in COUNTED if topic == event.TOPIC}
    ignores = classes.records_of(topic) - {event.RECORD for event in handles}
    return Subscription(topic=topic, handles=handles, ignores=frozenset(ignores))


SERVICE = Service(
    name="analytics",
    records=("figure_change",),
    projections=("merchant", "payment_origin", "figure"),
    servicers=rpc.servicers,
    subscriptions=(
        merchant_projection.subscription(handlers.on_merchant_changed),
        *map(_subscription, ("payment.events", "settlement.events", "withdrawal.events")),
    ),
    jobs=(Job(name="forget_changes", run=jobs.forget_changes, every_s=60.0),),
)
