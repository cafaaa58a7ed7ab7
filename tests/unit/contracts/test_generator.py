"""The source of event classes, from small schemas of their own."""

import dataclasses
import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from paykit.events import schema_files
from paystream.accounting.v1 import events as accounting
from paystream.payment.v1 import events as payment
from paytools.contracts import generator
from paytools.contracts.rules import ENVELOPE

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COLOUR = {
    "type": "enum",
    "name": "Colour",
    "doc": "A colour.",
    "symbols": ["UNKNOWN", "RED", "BLUE"],
    "default": "UNKNOWN",
}
PART = {
    "type": "record",
    "name": "Part",
    "doc": "A part.",
    "fields": [
        {"name": "size", "type": "long", "doc": "Centimetres."},
        {"name": "colour", "type": "Colour", "doc": "-"},
    ],
}
TOPICS = (
    '[defaults]\npartitions = 6\n[defaults.configs]\n["toy.events"]\nkey = "toy_id"\nproducer = "toy"\nconsumers = []\n'
)


def record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    envelope = [{"name": field, "type": type_, "doc": "-"} for field, type_ in ENVELOPE]
    return {
        "type": "record",
        "name": name,
        "namespace": "paystream.toy.v1",
        "doc": f"{name} happened.",
        "fields": [*envelope, {"name": "toy_id", "type": "string", "doc": "-"}, *fields],
    }


def write(root: Path, *schemas: dict[str, Any], version: int = 1) -> None:
    root.mkdir(exist_ok=True)
    (root / "topics.toml").write_text(TOPICS)
    for schema in schemas:
        directory = root / "toy.events" / schema["name"]
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{version}.avsc").write_text(json.dumps(schema))


def load(root: Path) -> ModuleType:
    """Import what is generated."""
    [(name, text)] = generator.generate(root).items()
    assert name == "paystream/toy/v1/events.py"
    path = root / "events.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("toy_events", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILT = record(
    "ToyBuilt",
    {"name": "colour", "type": COLOUR, "doc": "-"},
    {"name": "second", "type": ["null", "Colour"], "default": None, "doc": "-"},
    {"name": "parts", "type": {"type": "array", "items": PART}, "doc": "At most 4."},
    {"name": "spare", "type": ["null", "Part"], "default": None, "doc": "-"},
    {"name": "tags", "type": {"type": "array", "items": "string"}, "doc": "At most 4."},
    {"name": "sold", "type": "boolean", "doc": "-"},
)


def test_a_class_turns_into_a_record_and_back(tmp_path: Path) -> None:
    write(tmp_path, BUILT)
    toys = load(tmp_path)
    built = toys.ToyBuilt(
        occurred_at=NOON,
        merchant_id=None,
        aggregate_version=1,
        toy_id="toy_1",
        colour=toys.Colour.RED,
        second=None,
        parts=(toys.Part(size=3, colour=toys.Colour.BLUE),),
        spare=toys.Part(size=4, colour=toys.Colour.RED),
        tags=("new",),
        sold=False,
    )
    assert built.as_record() == {
        "event_id": "",
        "occurred_at": NOON,
        "recorded_at": None,
        "merchant_id": None,
        "correlation_id": "",
        "causation_id": None,
        "actor": None,
        "aggregate_version": 1,
        "toy_id": "toy_1",
        "colour": "RED",
        "second": None,
        "parts": [{"size": 3, "colour": "BLUE"}],
        "spare": {"size": 4, "colour": "RED"},
        "tags": ["new"],
        "sold": False,
    }
    assert toys.ToyBuilt.from_record(built.as_record()) == built


def test_a_symbol_that_the_class_does_not_know_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, BUILT)
    toys = load(tmp_path)
    values = dict.fromkeys([field.name for field in dataclasses.fields(toys.ToyBuilt)])
    built = toys.ToyBuilt.from_record({**values, "colour": "GREEN", "second": "GREEN", "parts": [], "tags": []})
    assert (built.colour, built.second) == (toys.Colour.UNKNOWN, toys.Colour.UNKNOWN)


def test_the_class_says_where_it_belongs(tmp_path: Path) -> None:
    write(tmp_path, BUILT)
    toys = load(tmp_path)
    assert (toys.ToyBuilt.RECORD, toys.ToyBuilt.TOPIC) == ("paystream.toy.v1.ToyBuilt", "toy.events")
    assert (toys.ToyBuilt.VERSION, toys.ToyBuilt.KEY) == (1, "toy_id")
    assert (toys.ToyBuilt,) == toys.EVENTS


def test_the_newest_version_makes_the_class(tmp_path: Path) -> None:
    write(tmp_path, record("ToyLost"))
    write(tmp_path, record("ToyLost", {"name": "place", "type": ["null", "string"], "doc": "-"}), version=2)
    write(tmp_path, record("ToyLost"), version=10)
    assert load(tmp_path).ToyLost.VERSION == 10


@pytest.mark.parametrize(
    "missing", ["occurred_at", "merchant_id", "aggregate_version", "payment_id", "order_id", "amount_minor"]
)
def test_what_is_not_stamped_must_be_given(missing: str) -> None:
    values: dict[str, Any] = {
        "occurred_at": NOON,
        "merchant_id": None,
        "aggregate_version": 1,
        "payment_id": "pay_1",
        "order_id": None,
        "merchant_reference": "7",
        "amount_minor": 1,
        "currency_code": "USD",
        "method": payment.PaymentMethod.CARD,
        "channel": "simulator",
        "capture_mode": payment.CaptureMode.AUTOMATIC,
        "country_code": None,
        "brand": None,
        "funding": None,
        "issuer_country_code": None,
    }
    assert payment.PaymentCreated(**values).event_id == ""
    del values[missing]
    with pytest.raises(TypeError, match=missing):
        payment.PaymentCreated(**values)


def test_an_event_is_frozen_however_it_was_made() -> None:
    made = accounting.TransactionRejected(
        occurred_at=NOON,
        merchant_id=None,
        aggregate_version=1,
        transaction_type="PaymentSuccess",
        related_no="cap_1",
        root_reference="pay_1",
        reason="ACCOUNT_CLOSED",
    )
    read = accounting.TransactionRejected.from_record(made.as_record())
    assert type(read) is accounting.TransactionRejected
    assert hash(read) == hash(made)
    for event in (made, read):
        with pytest.raises(dataclasses.FrozenInstanceError):
            event.reason = "OTHER"  # type: ignore[misc]


def test_enums_of_two_records_join_their_symbols(tmp_path: Path) -> None:
    newer = {**COLOUR, "symbols": ["UNKNOWN", "RED", "BLUE", "GREEN"]}
    write(
        tmp_path,
        record("ToyBuilt", {"name": "colour", "type": COLOUR, "doc": "-"}),
        record("ToySold", {"name": "colour", "type": newer, "doc": "-"}),
    )
    assert [symbol.value for symbol in load(tmp_path).Colour] == ["UNKNOWN", "RED", "BLUE", "GREEN"]


def test_one_name_for_two_different_records_is_refused(tmp_path: Path) -> None:
    part = {**PART, "fields": PART["fields"][:1]}
    write(
        tmp_path,
        record("ToyBuilt", {"name": "part", "type": part, "doc": "-"}),
        record("ToySold", {"name": "part", "type": {**part, "doc": "Another."}, "doc": "-"}),
    )
    with pytest.raises(generator.UnsupportedSchemaError, match="Part differs"):
        generator.generate(tmp_path)


@pytest.mark.parametrize("type_", ["double", {"type": "map", "values": "string"}, ["string", "null"]])
def test_a_type_without_a_python_type_is_refused(tmp_path: Path, type_: Any) -> None:
    write(tmp_path, record("ToyBuilt", {"name": "weight", "type": type_, "doc": "-"}))
    with pytest.raises(generator.UnsupportedSchemaError, match="no Python type"):
        generator.generate(tmp_path)


def test_the_same_files_give_the_same_text() -> None:
    assert generator.generate(schema_files.schema_root()) == generator.generate(schema_files.schema_root())


def test_the_generated_code_of_this_build_is_fresh() -> None:
    gen = schema_files.schema_root().parents[1] / "gen"
    for name, text in generator.generate(schema_files.schema_root()).items():
        assert (gen / name).read_text() == text
