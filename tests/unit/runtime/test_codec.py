"""The codec with a registry in memory."""

import copy
import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from paykit.events import classes as catalogue
from paykit.events import schema_files
from paykit.events.codec import (
    Codec,
    EventInvalidError,
    RegistryUnavailableError,
    SchemaNotFoundError,
    SchemaUnregisteredError,
    UndecodableError,
)
from paykit.testing.fake_registry import FakeRegistry
from paystream.payment.v1 import events

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
RECORD = "paystream.payment.v1.PaymentSuccess"
SUBJECT = f"payment.events-{RECORD}"
STAMPS: dict[str, Any] = {
    "event_id": "evt_1",
    "recorded_at": NOON,
    "correlation_id": "cor_1",
    "causation_id": None,
    "actor": "checkout",
}
SUCCESS = events.PaymentSuccess(
    attempt_id=None,
    capture_mode=events.CaptureMode.AUTOMATIC,
    country_code=None,
    brand=None,
    funding=None,
    issuer_country_code=None,
    captured_total_minor=1,
    capture_number=1,
    created_at=None,
    authorized_at=None,
    attempt_count=1,
    fee_basis_points=0,
    fee_fixed_minor=0,
    occurred_at=NOON,
    merchant_id="mer_1",
    aggregate_version=2,
    payment_id="pay_1",
    capture_id="cap_1",
    order_id=None,
    merchant_reference="order 7",
    amount_minor=2**53 - 1,
    currency_code="USD",
    fee_minor=0,
    fee_plan_version=1,
    method=events.PaymentMethod.CARD,
    channel="simulator",
    channel_reference="sim_1",
    final=False,
    order_returned_minor=0,
)


def schema_text(record: str = RECORD) -> str:
    return schema_files.registry_text(catalogue.own_files()[record].schema)


def registered() -> FakeRegistry:
    registry = FakeRegistry(first_id=77)
    registry.schemas[77] = schema_text()
    registry.subjects[SUBJECT] = [77]
    return registry


def changed(**edits: Any) -> str:
    """Make the schema of a build other than ours."""
    schema = copy.deepcopy(catalogue.own_files()[RECORD].schema)
    return schema_files.registry_text({**schema, **edits})


async def prepared(registry: FakeRegistry, cache_dir: Path) -> Codec:
    codec = Codec(registry=registry.client(), cache_dir=cache_dir)
    await codec.prepare([events.PaymentSuccess])
    return codec


async def test_an_event_comes_back_with_its_stamps(tmp_path: Path) -> None:
    codec = await prepared(registered(), tmp_path)
    data = codec.encode(SUCCESS, stamps=STAMPS)
    assert data[:5] == b"\x00\x00\x00\x00\x4d"
    assert codec.peek(data) == 77
    assert codec.record_name(77) == (RECORD, events.PaymentSuccess.VERSION)
    event = codec.decode(data)
    assert isinstance(event, events.PaymentSuccess)
    assert (event.event_id, event.recorded_at, event.correlation_id, event.actor) == (
        "evt_1",
        NOON,
        "cor_1",
        "checkout",
    )
    assert (event.amount_minor, event.method, event.order_id) == (2**53 - 1, events.PaymentMethod.CARD, None)
    assert event.occurred_at == NOON


async def test_the_bytes_are_those_of_confluents_serializer(tmp_path: Path) -> None:
    client = SchemaRegistryClient.new_client({"url": "mock://codec"})
    schema_id = client.register_schema(SUBJECT, Schema(schema_text(), "AVRO"))
    serializer = AvroSerializer(
        client,
        schema_text(),
        conf={"auto.register.schemas": False, "subject.name.strategy": topic_record_subject_name_strategy},
    )
    registry = FakeRegistry(schemas={schema_id: schema_text()}, subjects={SUBJECT: [schema_id]})
    ours = (await prepared(registry, tmp_path)).encode(SUCCESS, stamps=STAMPS)
    context = SerializationContext("payment.events", MessageField.VALUE)
    assert serializer({**SUCCESS.as_record(), **STAMPS}, context) == ours


async def test_ids_are_taken_from_the_disk_while_the_registry_is_down(tmp_path: Path) -> None:
    data = (await prepared(registered(), tmp_path)).encode(SUCCESS, stamps=STAMPS)
    down = registered()
    down.down = True
    codec = await prepared(down, tmp_path)
    assert codec.encode(SUCCESS, stamps=STAMPS) == data


async def test_a_learned_schema_is_kept_on_disk(tmp_path: Path) -> None:
    registry = registered()
    data = (await prepared(registry, tmp_path / "producer")).encode(SUCCESS, stamps=STAMPS)
    consumer = Codec(registry=registry.client(), cache_dir=tmp_path / "consumer")
    assert not consumer.knows(77)
    await consumer.learn(77)
    assert consumer.knows(77)
    registry.down = True
    restarted = Codec(registry=registry.client(), cache_dir=tmp_path / "consumer")
    await restarted.learn(77)
    assert restarted.decode(data) == consumer.decode(data)


async def test_without_registry_and_cache_it_says_that_the_registry_is_unavailable(tmp_path: Path) -> None:
    registry = registered()
    registry.down = True
    codec = Codec(registry=registry.client(), cache_dir=tmp_path)
    with pytest.raises(RegistryUnavailableError):
        await codec.prepare([events.PaymentSuccess])
    with pytest.raises(RegistryUnavailableError):
        await codec.learn(77)


async def test_a_registry_made_anew_is_believed_and_the_cache_forgets_the_old_one(tmp_path: Path) -> None:
    old = registered()
    old.schemas[78] = schema_text("paystream.payment.v1.PaymentFailed")
    codec = await prepared(old, tmp_path)
    await codec.learn(78)
    anew = FakeRegistry(schemas={5: schema_text()}, subjects={SUBJECT: [5]})
    assert (await prepared(anew, tmp_path)).encode(SUCCESS, stamps=STAMPS)[:5] == b"\x00\x00\x00\x00\x05"
    anew.down = True
    with pytest.raises(RegistryUnavailableError):
        await Codec(registry=anew.client(), cache_dir=tmp_path).learn(78)


async def test_a_schema_that_is_not_registered_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SchemaUnregisteredError, match="paystream schemas register"):
        await prepared(FakeRegistry(), tmp_path)


async def test_an_id_that_the_registry_does_not_know_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SchemaNotFoundError):
        await Codec(registry=registered().client(), cache_dir=tmp_path).learn(4711)


async def test_subjects_and_topics_carry_the_prefix(tmp_path: Path) -> None:
    registry = FakeRegistry(schemas={3: schema_text()}, subjects={f"t1.{SUBJECT}": [3]})
    codec = Codec(registry=registry.client(), cache_dir=tmp_path, topic_prefix="t1.")
    await codec.prepare([events.PaymentSuccess])
    assert codec.topic("payment.events") == "t1.payment.events"
    assert codec.knows(3)


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00", b"{}garbage", b"\x01\x00\x00\x00\x4d\x00"])
async def test_bytes_without_the_wire_format_are_undecodable(data: bytes, tmp_path: Path) -> None:
    codec = await prepared(registered(), tmp_path)
    with pytest.raises(UndecodableError):
        codec.peek(data)


async def test_a_cut_and_a_lengthened_body_are_undecodable(tmp_path: Path) -> None:
    codec = await prepared(registered(), tmp_path)
    data = codec.encode(SUCCESS, stamps=STAMPS)
    for bad in (data[:-1], data[:6], data + b"\x00", data[:5] + b"\xff" * 40):
        with pytest.raises(UndecodableError):
            codec.decode(bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_minor", "12"),
        ("amount_minor", 1.5),
        ("amount_minor", 1.0),
        ("amount_minor", Decimal(1)),
        ("amount_minor", 2**63),
        ("payment_id", None),
        ("payment_id", b"pay_1"),
        ("payment_id", "\ud800"),
        ("occurred_at", NOON.replace(tzinfo=None)),
        ("order_id", 7),
        ("method", "CHEQUE"),
        ("occurred_at", "now"),
    ],
)
async def test_a_value_that_breaks_the_schema_fails_the_encoding(field: str, value: Any, tmp_path: Path) -> None:
    codec = await prepared(registered(), tmp_path)
    with pytest.raises(EventInvalidError, match="PaymentSuccess"):
        codec.encode(dataclasses.replace(SUCCESS, **{field: value}), stamps=STAMPS)


async def test_a_newer_version_is_read_as_ours(tmp_path: Path) -> None:
    registry = registered()
    newer = json.loads(schema_text())
    newer["fields"].insert(9, {"name": "colour", "type": ["null", "string"], "default": None, "doc": "New."})
    registry.schemas[90] = schema_files.registry_text(newer)
    codec = await prepared(registry, tmp_path)
    await codec.learn(90)
    assert codec.record_name(90) == (RECORD, None)
    ours = codec.encode(SUCCESS, stamps=STAMPS)
    # The ninth field follows payment_id; index 1 of the union and the two letters of its value.
    at = ours.index(b"pay_1") + len(b"pay_1")
    theirs = b"\x00\x00\x00\x00\x5a" + ours[5:at] + b"\x02\x04xy" + ours[at:]
    assert codec.decode(theirs) == codec.decode(ours)
    assert codec.decode_as_written(theirs)["colour"] == "xy"


async def test_a_symbol_newer_than_the_build_becomes_unknown(tmp_path: Path) -> None:
    registry = registered()
    registry.schemas[91] = schema_text().replace('"WALLET"]', '"WALLET","SHELLS"]')
    codec = await prepared(registry, tmp_path)
    await codec.learn(91)
    ours = codec.encode(SUCCESS, stamps=STAMPS)
    at = ours.index(b"\x12simulator") - 1
    theirs = b"\x00\x00\x00\x00\x5b" + ours[5:at] + b"\x08" + ours[at + 1 :]
    event = codec.decode(theirs)
    assert isinstance(event, events.PaymentSuccess)
    assert event.method is events.PaymentMethod.UNKNOWN


async def test_a_record_of_another_build_has_a_name_but_no_event(tmp_path: Path) -> None:
    registry = registered()
    registry.schemas[92] = changed(name="PaymentTeleported")
    codec = await prepared(registry, tmp_path)
    await codec.learn(92)
    assert codec.record_name(92) == ("paystream.payment.v1.PaymentTeleported", None)
    with pytest.raises(UndecodableError, match="PaymentTeleported is not known"):
        codec.decode(b"\x00\x00\x00\x00\x5c" + codec.encode(SUCCESS, stamps=STAMPS)[5:])


@pytest.mark.parametrize("schema", ['"string"', "[]", "not json", '{"type": "record"}'])
async def test_an_id_of_no_avro_record_is_undecodable(schema: str, tmp_path: Path) -> None:
    registry = registered()
    registry.schemas[93] = schema
    with pytest.raises(UndecodableError):
        await Codec(registry=registry.client(), cache_dir=tmp_path).learn(93)
