"""What the analytics service is made of."""

from paykit.consume.delivery import Handle, Subscription
from paykit.events import classes
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from services.analytics import handlers, jobs, rpc
from services.analytics.domain.counting import COUNTED

_COUNTED = Handle(handler=handlers.on_event, rebuild=handlers.keep_figures, deduplication="inbox")


def _subscription(topic: str) -> Subscription:
    """What of a topic counts is data of the domain; the rest moves no figure."""
    handles = {event: _COUNTED for event in COUNTED if topic == event.TOPIC}
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
