"""What becomes of records that should not be there, or not yet; whatever it is, everything else goes on."""

import asyncio
import json
import uuid
from typing import Any

import confluent_kafka
import pytest

from paykit.events.codec import MAGIC
from paykit.events.event import Event
from paykit.events.registry import RegistryClient
from paykit.events.schema_files import registry_text
from paystream.payment.v1.events import PaymentSuccess
from paystream.withdrawal.v1.events import WithdrawalCreated
from tests.e2e.conftest import Line
from tests.line import topics
from tests.line.waiting import WAIT_S_MAX, until
from tests.unit.accounting.ledger import NOON, capture, settlement, withdrawal

TOPIC = "payment.events"
STAMPS = {"recorded_at": NOON, "causation_id": None, "actor": None}
NEWER_RECORD = {
    "type": "record",
    "name": "PaymentTeleported",
    "namespace": "paystream.payment.v1",
    "doc": "An event that a later build may emit.",
    "fields": [{"name": "payment_id", "type": "string", "doc": "Which payment."}],
}
UNKNOWN_SCHEMA_ID = 2_000_000_000


def new_capture(**changes: Any) -> PaymentSuccess:
    number = uuid.uuid4().int >> 8
    return capture(number, correlation_id="cor_bad_events", **changes)


def encoded(line: Line, event: Event) -> bytes:
    accounting = next(runtime for runtime in line.host.runtimes if runtime.service.name == "accounting")
    return accounting.codec.encode(event, stamps=STAMPS)


def produce(line: Line, *records: tuple[str, bytes | None], topic: str = TOPIC) -> None:
    """Write records as any producer might."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": line.settings.kafka_bootstrap, "partitioner": "murmur2_random"}
    )
    for key, value in records:
        producer.produce(line.settings.topic_prefix + topic, key=key, value=value)
    assert producer.flush(WAIT_S_MAX) == 0


def produce_events(line: Line, *events: PaymentSuccess) -> None:
    produce(line, *[(event.payment_id, encoded(line, event)) for event in events])


async def booked(line: Line, *events: PaymentSuccess) -> None:
    wanted = {event.capture_id for event in events}

    async def look() -> bool:
        return wanted <= set(await line.kept.booked())

    await until(look)


async def dead_letter(line: Line, key: str) -> Any:
    sql = "SELECT * FROM accounting.dead_letter WHERE key = $1 AND status = 'OPEN'"
    [row] = await until(lambda: line.kept.rows(sql, key))
    return row


async def copy_of_dead_letter(line: Line, key: str) -> Any:
    """Give the copy on the topic of dead letters."""

    async def look() -> list[Any]:
        found = await asyncio.to_thread(topics.records, line.settings, f"{TOPIC}.accounting.dlq")
        return [record for record in found if record.key().decode() == key]

    [copy] = await until(look)
    return copy


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "UNDECODABLE"),
        (None, "UNDECODABLE"),
        (b"garbage", "UNDECODABLE"),
        (b"\x00\x00", "UNDECODABLE"),
        (bytes(400), "SCHEMA_UNKNOWN"),  # Zeros name schema 0, which no registry has.
    ],
)
async def test_garbage_becomes_a_dead_letter_with_its_bytes(line: Line, value: bytes | None, reason: str) -> None:
    key, good = f"pay_{uuid.uuid4().hex}", new_capture()
    produce(line, (key, value))
    produce_events(line, good)
    await booked(line, good)
    letter = await dead_letter(line, key)
    assert (letter["reason"], letter["value"], letter["record"]) == (reason, value, None)
    copy = await copy_of_dead_letter(line, key)
    assert copy.value() == value
    assert dict(copy.headers())["paystream-dlq-reason"].decode() == reason


async def test_an_event_that_does_not_fit_its_schema_becomes_a_dead_letter(line: Line) -> None:
    bad, good = new_capture(), new_capture()
    produce(line, (bad.payment_id, encoded(line, bad)[:-3]))
    produce_events(line, good)
    await booked(line, good)
    assert (await dead_letter(line, bad.payment_id))["reason"] == "UNDECODABLE"


async def test_a_schema_id_that_stays_unknown_becomes_a_dead_letter_and_its_partition_goes_on(line: Line) -> None:
    key = f"pay_{uuid.uuid4().hex}"
    unknown = bytes([MAGIC]) + UNKNOWN_SCHEMA_ID.to_bytes(4) + b"whatever"
    produce(line, (key, unknown))
    later, others = new_capture(payment_id=key), [new_capture() for _ in range(12)]
    produce_events(line, later, *others)
    await booked(line, *others)
    letter = await dead_letter(line, key)
    assert (letter["reason"], letter["value"]) == ("SCHEMA_UNKNOWN", unknown)
    [waiting] = await until(lambda: parked(line, key))  # The partition goes on; its key waits until somebody decides.
    assert (waiting["partition"], waiting["value"]) == (letter["partition"], encoded(line, later))


async def parked(line: Line, key: str) -> list[Any]:
    return await line.kept.rows("SELECT * FROM accounting.parked_event WHERE key = $1", key)


async def test_an_event_that_the_ledger_must_refuse_holds_its_key_until_somebody_decides(line: Line) -> None:
    first = new_capture(amount_minor=1_000, fee_minor=59)
    conflicting = capture_like(first, amount_minor=1_001, event_id=f"evt_{uuid.uuid4().hex}")
    later = capture_like(first, capture_id=f"cap_{uuid.uuid4().hex}", event_id=f"evt_{uuid.uuid4().hex}")
    other = new_capture()
    produce_events(line, first, conflicting, later, other)
    await booked(line, first, other)
    letter = await dead_letter(line, first.payment_id)
    assert (letter["reason"], letter["record"]) == ("TRANSACTION_CONFLICT", PaymentSuccess.RECORD)
    [waiting] = await until(lambda: parked(line, first.payment_id))
    assert waiting["value"] == encoded(line, later)
    sql = "SELECT amount_minor FROM accounting.transaction WHERE root_reference = $1"
    assert [row["amount_minor"] for row in await line.kept.rows(sql, first.payment_id)] == [1_000]

    accounting = next(runtime for runtime in line.host.runtimes if runtime.service.name == "accounting")
    await accounting.replay.discard_dead_letter(letter["dead_letter_id"], actor="ops")
    await booked(line, later)
    assert await parked(line, first.payment_id) == []


async def test_a_withdrawal_side_by_side_with_its_funds_is_held_and_one_without_any_is_refused(line: Line) -> None:
    number, rich, poor = uuid.uuid4().int >> 8, f"mer_{uuid.uuid4().hex}", f"mer_{uuid.uuid4().hex}"
    early = withdrawal(WithdrawalCreated, number, merchant_id=rich, amount_minor=400)
    vain = withdrawal(WithdrawalCreated, number + 1, merchant_id=poor, amount_minor=600)
    funds = settlement(number, net=500, reserve=0, merchant_id=rich)
    for event in (early, vain, funds):
        produce(line, (getattr(event, event.KEY), encoded(line, event)), topic=event.TOPIC)

    async def held() -> bool:
        return early.withdrawal_id in await line.kept.booked("WithdrawalCreated")

    await until(held)
    [refused] = await until(
        lambda: line.kept.rows("SELECT * FROM accounting.refusal WHERE root_reference = $1", vain.withdrawal_id)
    )
    assert (refused["transaction_type"], refused["reason"]) == ("WithdrawalCreated", "INSUFFICIENT_FUNDS")
    assert [await parked(line, event.withdrawal_id) for event in (early, vain)] == [[], []]


def capture_like(event: PaymentSuccess, **changes: Any) -> PaymentSuccess:
    return PaymentSuccess.from_record(event.as_record() | changes)


async def test_an_event_type_newer_than_the_build_is_kept_for_later(line: Line) -> None:
    key, good = f"pay_{uuid.uuid4().hex}", new_capture()
    schema_id = await register(line, NEWER_RECORD)
    value = bytes([MAGIC]) + schema_id.to_bytes(4) + bytes([2 * len(key)]) + key.encode()
    produce(line, (key, value))
    produce_events(line, good)
    await booked(line, good)
    [row] = await until(lambda: line.kept.rows("SELECT * FROM accounting.skipped_event WHERE key = $1", key))
    assert (row["record"], row["value"]) == ("paystream.payment.v1.PaymentTeleported", value)


async def test_a_newer_version_of_a_known_event_is_booked(line: Line) -> None:
    event = new_capture()
    accounting = next(runtime for runtime in line.host.runtimes if runtime.service.name == "accounting")
    ours = encoded(line, event)
    async with RegistryClient(line.settings.registry_url) as registry:
        schema = json.loads(await registry.schema(accounting.codec.peek(ours)))
    tip = {"name": "tip_minor", "type": ["null", "long"], "default": None, "doc": "Of a later build."}
    schema_id = await register(line, schema | {"fields": [*schema["fields"], tip]})
    tip_of_7 = bytes([2, 14])  # Branch 1 of the union, and 7, zigzag coded.
    produce(line, (event.payment_id, bytes([MAGIC]) + schema_id.to_bytes(4) + ours[5:] + tip_of_7))
    await booked(line, event)


async def register(line: Line, schema: dict[str, Any]) -> int:
    name = f"{schema['namespace']}.{schema['name']}" if "namespace" in schema else schema["name"]
    async with RegistryClient(line.settings.registry_url) as registry:
        return await registry.register(f"{line.settings.topic_prefix}{TOPIC}-{name}", registry_text(schema))
