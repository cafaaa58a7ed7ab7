"""Whom an event is told: one notification for each recipient, none of whom is known here by an address."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from paykit.cause import Cause
from paykit.events.event import Event
from paykit.ids import named_id
from services.notification.domain.notification import Notification
from services.notification.domain.occurrences import Occurrence
from services.notification.domain.preferences import TopicPreference
from services.notification.domain.topics import TOPICS, MailTopic, RecipientKind

_Recipient = tuple[RecipientKind, int, str | None]
"""Kind, number among those of its kind, digest of the address in the merchant's preferences."""


def group_of(event: Event, occurrence: Occurrence) -> str:
    """Return what is told once: the event, or what it shares with others."""
    return occurrence.group or event.event_id


def notifications_of(
    event: Event, occurrence: Occurrence, wanted: TopicPreference, *, cause: Cause, now: datetime, real_now: datetime
) -> list[Notification]:
    """Make the notifications of an event, by what the merchant wants of its topic."""
    facts, group = occurrence.facts.to_json(), group_of(event, occurrence)
    contact_id = next(iter(occurrence.facts.contact_ids), None)
    return [
        Notification(
            notification_id=named_id("ntf", group, occurrence.template, kind, str(number)),
            group_key=group,
            event_id=event.event_id,
            record=event.RECORD,
            template=occurrence.template,
            recipient_kind=kind,
            recipient_no=number,
            recipient=digest,
            contact_id=contact_id if kind is RecipientKind.PAYER else None,
            merchant_id=event.merchant_id,
            resource_id=occurrence.facts.resource_id,
            correlation_id=cause.correlation_id,
            facts=facts,
            due_time=real_now,
            traceparent=cause.traceparent,
            create_time=now,
            update_time=now,
        )
        for kind, number, digest in _recipients(TOPICS[occurrence.template], wanted)
        if kind is not RecipientKind.MERCHANT or event.merchant_id is not None
    ]


def address_digest(address: str) -> str:
    """Return what tells one of a merchant's addresses from its others, without being one."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def _recipients(topic: MailTopic, wanted: TopicPreference) -> Iterator[_Recipient]:
    for kind in topic.recipient_kinds:
        if kind is RecipientKind.MERCHANT:
            yield from _of_merchant(topic, wanted)
        elif kind is not RecipientKind.PAYER or not wanted.payer_muted:
            yield kind, 0, None


def _of_merchant(topic: MailTopic, wanted: TopicPreference) -> Iterator[_Recipient]:
    if wanted.muted:
        return
    for number, address in enumerate(wanted.addresses):
        yield RecipientKind.MERCHANT, number, address_digest(address)
    if not wanted.addresses and not topic.on_request:
        yield RecipientKind.MERCHANT, 0, None
