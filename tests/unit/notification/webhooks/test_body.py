"""What webhooks say: JSON, as its schema says, of every event, with nothing of people in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paykit.errors import InvariantError
from paykit.events import goldens, schema_files
from paykit.events.goldens import Golden
from paystream.order.v1.events import OrderPaid
from scripts import gen_webhook_schemas
from services.notification.domain.webhooks import body

ROOT = Path(__file__).parents[4]
TOPICS = ("merchant.events", "order.events", "payment.events", "settlement.events", "withdrawal.events")
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "array": list,
}


def newest_goldens() -> list[Golden]:
    found = {golden.record: golden for golden in goldens.load_all(schema_files.schema_root())}
    return [golden for golden in found.values() if golden.topic in TOPICS]


def violations(schema: dict[str, Any], value: Any, path: str = "$") -> Iterator[str]:
    """Name what of a value its schema does not allow, as far as our schemas go."""
    if "const" in schema and value != schema["const"]:
        yield f"{path} is not {schema['const']}"
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if names and not any(isinstance(value, TYPES[n]) and (n != "integer" or value is not True) for n in names):
        yield f"{path} is {type(value).__name__}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path} is out of range"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} does not fit"
    if isinstance(value, dict):
        yield from (f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value)
        yield from (f"{path}.{name} is not described" for name in value.keys() - schema.get("properties", {}).keys())
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from violations(inner, value[name], f"{path}.{name}")
    if isinstance(value, list):
        for item in value:
            yield from violations(schema["items"], item, f"{path}[]")


@pytest.mark.parametrize("golden", newest_goldens(), ids=lambda golden: golden.record)
def test_event_of_every_type_is_as_its_schema_says(golden: Golden) -> None:
    name = golden.record.rpartition(".")[2]
    event_type = f"{golden.topic.partition('.')[0]}.{name}"
    if name in body.INTERNAL_RECORDS:
        assert event_type not in body.EVENTS
        return
    text = body.encode(body.EVENTS[event_type].from_record(golden.value))
    schema = json.loads((ROOT / f"docs/webhooks/{event_type}.schema.json").read_text())
    assert list(violations(schema, json.loads(text))) == []
    assert json.loads(text)["type"] == event_type
    assert body.WITHHELD_FIELDS.isdisjoint(json.loads(text)["data"])


def test_schemas_are_those_of_the_events() -> None:
    for event_type, text in gen_webhook_schemas.texts():
        assert (ROOT / f"docs/webhooks/{event_type}.schema.json").read_text() == text


def paid(**changes: Any) -> OrderPaid:
    (golden,) = (g for g in newest_goldens() if g.record == OrderPaid.RECORD)
    return replace(OrderPaid.from_record(golden.value), **changes)


def test_times_are_utc_with_z_and_text_stays_as_it_is() -> None:
    event = paid(occurred_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC), merchant_reference="茶 \u2028 <b>", actor="Eve")
    text = body.encode(event)
    told = json.loads(text)
    assert told["timestamp"] == told["data"]["occurred_at"] == "2026-03-01T12:00:00.000000Z"
    assert told["data"]["merchant_reference"] == "茶 \u2028 <b>"
    assert "Eve" not in text
    assert list(told) == ["type", "timestamp", "data"]


@pytest.mark.parametrize("amount", [2**53, -(2**53)])
def test_integer_that_not_every_reader_reads_exactly_is_not_sent(amount: int) -> None:
    body.encode(paid(total_minor=2**53 - 1))
    with pytest.raises(InvariantError):
        body.encode(paid(total_minor=amount))


def test_test_is_as_its_schema_says() -> None:
    text = body.encode_test(
        endpoint_id="whe_1", merchant_id="mer_1", event_id="evt_1", now=datetime(2026, 3, 1, tzinfo=UTC)
    )
    schema = json.loads((ROOT / "docs/webhooks/webhook.test.schema.json").read_text())
    assert list(violations(schema, json.loads(text))) == []
