"""What webhooks say: which events are sent, and the JSON of each. Pure.

`docs/webhooks/<type>.schema.json` is made of the same rules (`scripts/gen_webhook_schemas.py`).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType, ModuleType
from typing import Any

from paykit.errors import InvariantError
from paykit.events.event import Event
from paystream.merchant.v1 import events as merchant_events
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import events as payment_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events as withdrawal_events

INTEGER_MAX = 2**53 - 1
"""The largest integer that every JSON reader reads exactly."""

TEST_TYPE = "webhook.test"

WITHHELD_FIELDS = frozenset(
    {
        *("actor", "causation_id", "recorded_at"),
        # People's names and words, and addresses.
        *("requester", "decider", "proposer", "approver", "note", "support_email"),
    }
)
"""Fields of events that webhooks leave out."""

INTERNAL_RECORDS = frozenset(
    {
        # What the platform's people decide or look into; what comes of it is told by other events.
        *("PaymentContradicted", "PaymentContradictionResolved", "DisputeContradicted", "DisputeExceeded"),
        *("WithdrawalContradicted", "WithdrawalContradictionResolved", "EvidenceUnmatched", "AttemptOverdue"),
        *("PaymentRerouted", "ReserveReleaseRefused"),
    }
)
"""Events that are not sent: the name of the record."""


def type_of(event: type[Event]) -> str:
    """Return the type of an event as webhooks name it: its topic and record, as in payment.PaymentSuccess."""
    return f"{event.TOPIC.partition('.')[0]}.{event.RECORD.rpartition('.')[2]}"


def _events_of(module: ModuleType) -> Iterator[type[Event]]:
    for member in vars(module).values():
        if isinstance(member, type) and hasattr(member, "RECORD") and member.__name__ not in INTERNAL_RECORDS:
            yield member


EVENTS: Mapping[str, type[Event]] = MappingProxyType(
    {
        type_of(event): event
        for module in (merchant_events, order_events, payment_events, settlement_events, withdrawal_events)
        for event in _events_of(module)
    }
)
"""The events that are sent, by type: every one of a merchant's topics that is not internal."""


def encode(event: Event) -> str:
    """Return the body that tells of an event.

    Raises:
        InvariantError: It has an integer that not every reader of JSON reads exactly.
    """
    data = {name: value for name, value in event.as_record().items() if name not in WITHHELD_FIELDS}
    return _dump({"type": type_of(type(event)), "timestamp": event.occurred_at, "data": data})


def encode_test(*, endpoint_id: str, merchant_id: str, event_id: str, now: datetime) -> str:
    """Return the body of a test."""
    data = {"event_id": event_id, "occurred_at": now, "merchant_id": merchant_id, "endpoint_id": endpoint_id}
    return _dump({"type": TEST_TYPE, "timestamp": now, "data": data})


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(_plain(body), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case int() if not isinstance(value, bool) and abs(value) > INTEGER_MAX:
            raise InvariantError(f"{value} is no integer of JSON")
    return value
