"""What the notification service is made of."""

from paykit.consume.delivery import Handle, Subscription
from paykit.events import classes
from paykit.process.service import Job, Service
from paystream.notification.v1 import events
from services.notification import handlers, jobs, rpc
from services.notification.jobs import webhooks

_TOPICS = (
    *("merchant.events", "order.events", "payment.events", "settlement.events", "withdrawal.events"),
    "reconciliation.events",
)


def _subscription(topic: str) -> Subscription:
    """Every record of a topic is handled: which of them make notifications is data of the domain."""
    events_of_topic = [event for record in sorted(classes.records_of(topic)) if (event := classes.event_class(record))]
    return Subscription(topic=topic, handles=dict.fromkeys(events_of_topic, Handle(handler=handlers.on_event)))


SERVICE = Service(
    name="notification",
    locks=("preferences", "webhook_endpoint", "webhook_delivery", "notification", "delivery_try"),
    records=(
        *("notification", "delivery_try", "preferences"),
        *("webhook_endpoint", "webhook_secret", "webhook_event", "webhook_delivery", "webhook_attempt"),
    ),
    servicers=rpc.servicers,
    subscriptions=tuple(map(_subscription, _TOPICS)),
    emits=(events.NotificationSent, events.NotificationFailed, events.WebhookEndpointStopped),
    jobs=(
        # What is due comes with events, whose handlers cannot wake a job: so these look often.
        Job(name="send_mails", run=jobs.send_mails, every_s=jobs.SEND_EVERY_S),
        Job(name="report_mail", run=jobs.report_mail, every_s=jobs.REPORT_EVERY_S),
        *(Job(name=name, run=run, every_s=webhooks.LOOK_EVERY_S) for name, run in webhooks.DELIVERING.items()),
        Job(name="report_webhooks", run=webhooks.report_webhooks, every_s=webhooks.REPORT_EVERY_S),
        Job(name="forget_webhooks", run=webhooks.forget_webhooks, every_s=webhooks.FORGET_EVERY_S),
    ),
)
