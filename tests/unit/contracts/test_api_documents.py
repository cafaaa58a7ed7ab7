"""docs/api: every topic and event is described, with its key, its readers and its fields."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from paykit.events import schema_files
from scripts import gen_api_documents

ROOT = schema_files.schema_root()
ASYNCAPI = Path(__file__).with_name("asyncapi") / "3.0.0.json"


@pytest.fixture
def documents() -> dict[str, dict[str, Any]]:
    return dict(gen_api_documents.documents())


def test_every_topic_and_event_is_described(documents: dict[str, dict[str, Any]]) -> None:
    newest = schema_files.newest(ROOT)
    topics = {file.topic for file in newest}
    asyncapi = documents.pop("asyncapi.yaml")
    assert set(asyncapi["channels"]) == topics
    assert set(asyncapi["components"]["messages"]) == {file.record for file in newest}
    assert set(documents) == {f"contracts/{topic}.odcs.yaml" for topic in topics}
    described = {
        (contract["name"], event["physicalName"]) for contract in documents.values() for event in contract["schema"]
    }
    assert described == {(file.topic, file.full_name) for file in newest}


def test_the_document_of_events_is_valid(documents: dict[str, dict[str, Any]]) -> None:
    """By the schema that the AsyncAPI initiative publishes."""
    rules = Draft7Validator(json.loads(ASYNCAPI.read_text(encoding="utf-8")))
    described = documents["asyncapi.yaml"]
    assert described["asyncapi"] == "3.0.0"
    assert [error.message for error in rules.iter_errors(described)] == []
    assert not rules.is_valid({**described, "channels": {"merchant.events": {"messages": []}}})


def test_a_message_names_its_key_and_a_schema_that_is_there(documents: dict[str, dict[str, Any]]) -> None:
    messages = documents["asyncapi.yaml"]["components"]["messages"]
    assert messages["AccountCreated"]["bindings"]["kafka"]["key"]["description"] == "The field account_id."
    assert messages["TransactionCreated"]["bindings"]["kafka"]["key"]["description"] == "The field root_reference."
    for message in messages.values():
        path = gen_api_documents.DIRECTORY / message["payload"]["schema"]["$ref"]
        assert schema_files.load(path.resolve()).full_name == message["name"]


def test_a_topic_says_who_sends_and_who_receives(documents: dict[str, dict[str, Any]]) -> None:
    operations = documents["asyncapi.yaml"]["operations"]
    found = {name: operation["action"] for name, operation in operations.items() if name.endswith(" order.events")}
    assert found == {
        "order sends order.events": "send",
        "payment receives order.events": "receive",
        "notification receives order.events": "receive",
    }


def test_fields_have_the_types_of_the_contract(documents: dict[str, dict[str, Any]]) -> None:
    [booked] = [
        event
        for event in documents["contracts/accounting.events.odcs.yaml"]["schema"]
        if event["name"] == "TransactionCreated"
    ]
    fields = {field["name"]: field for field in booked["properties"]}
    kinds = {name: (field["logicalType"], field["required"]) for name, field in fields.items()}
    assert {name: kinds[name] for name in ("event_id", "occurred_at", "merchant_id", "amount_minor", "direction")} == {
        "event_id": ("string", True),
        "occurred_at": ("timestamp", True),
        "merchant_id": ("string", False),
        "amount_minor": ("integer", True),
        "direction": ("string", False),
    }
    assert fields["event_id"]["unique"] is True
    assert [name for name, field in fields.items() if "partitioned" in field] == ["root_reference"]
    assert fields["entries"]["logicalType"] == "array"
    inner = {field["name"]: field["logicalType"] for field in fields["entries"]["items"]["properties"]}
    assert (inner["effect"], inner["side"]) == ("integer", "string")
