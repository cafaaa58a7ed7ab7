"""Requests with every field set that their rules allow at once."""

from typing import Any

import protovalidate
from google.protobuf.message import Message

from tests.line.wellformed import Described, Forms, is_map

VALUES: dict[str, Any] = {
    "addresses": ["a@shop.example"],
    "first_date": "2026-03-01",
    "id": "pay_0192f5d0c0de70008000000000000002",
    "last_date": "2026-03-02",
    "last_four": "1234",
    "media_type": "text/plain",
    "since_date": "2026-03-01",
    "statement_date": "2026-03-01",
}
"""By the names of fields, where a form's own value breaks their rules."""
WAIT_S = 5
LEFT_OUT = {
    "ListSettlementItemsRequest": ["transaction_id"],
    "ReplayWebhookEventsRequest": ["event_id"],
}
"""What excludes another field of the same request."""


def whole(forms: Forms, described: Described) -> Message:
    """Make a request with every field set, but for what excludes another."""
    request = forms.complete(described)
    _mend(request)
    for name in LEFT_OUT.get(described.name, ()):
        request.ClearField(name)
    violations = protovalidate.collect_violations(request)
    assert not violations, f"{described.full_name}: {violations[0].proto}"
    return request


def _mend(message: Message) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.name in VALUES and field.message_type is None and field.containing_oneof is None:
            message.ClearField(field.name)
            _put(message, field, VALUES[field.name])
    for field, value in message.ListFields():
        if field.name == "wait_for":
            value.seconds = WAIT_S
        elif field.message_type is not None and not is_map(field):
            for each in list(value) if field.is_repeated else (value,):
                _mend(each)
            if field.is_repeated and field.name == "entries":
                value.add().CopyFrom(value[0])


def _put(message: Message, field: Described, value: Any) -> None:
    if field.is_repeated:
        getattr(message, field.name).extend(value)
    else:
        setattr(message, field.name, value)
