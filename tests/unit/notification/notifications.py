"""Notifications for the tests of what becomes of them."""

from datetime import UTC, datetime
from typing import Any

from services.notification.domain.facts import Facts
from services.notification.domain.notification import Notification
from services.notification.domain.topics import RecipientKind

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVENT_ID = "evt_" + "1" * 32


def queued(*, facts: Facts | None = None, **changes: Any) -> Notification:
    """One that waits for its first try."""
    told = facts or Facts(resource_id="ord_" + "1" * 32, occurred_at=NOON)
    given: dict[str, Any] = {
        "notification_id": "ntf_" + "1" * 32,
        "group_key": EVENT_ID,
        "event_id": EVENT_ID,
        "record": "paystream.order.v1.OrderPaid",
        "template": "order_paid",
        "recipient_kind": RecipientKind.MERCHANT,
        "recipient_no": 0,
        "recipient": None,
        "contact_id": None,
        "merchant_id": "mer_" + "1" * 32,
        "resource_id": told.resource_id,
        "correlation_id": "cor_1",
        "facts": told.to_json(),
        "due_time": NOON,
        "create_time": NOON,
        "update_time": NOON,
    }
    return Notification(**given | changes)
