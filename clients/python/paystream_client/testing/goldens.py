"""A worked example of every version of every event, as messages and as the generated classes.

::

def test_our_reporting_reads_every_payment_event() -> None:
    assert_consumes(lambda golden: reporting.on_event(golden.event), "payment.events")
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from paystream.avro_record import AvroRecord
from paystream_client import schema_files
from paystream_client.events import EventDecoder
from paystream_client.schema_files import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """An event of one version.

    Attributes:
        topic: Without a prefix.
        record: The full name.
        version: From 1.
        message: As it stands on Kafka, where `schema_of` stands for the registry.
        event: As the generated class, whatever the version.
    """

    topic: str
    record: str
    version: int
    message: bytes
    event: AvroRecord


def goldens(topic: str, record: str | None = None) -> list[Golden]:
    """Return the examples of a topic, every version of every record, ordered by record and version.

    Args:
        topic: As in `payment.events`.
        record: Only this record, by its full or its short name.

    Raises:
        LookupError: There is none: the topic or the record is misspelt.
    """
    decoder = EventDecoder(schema_of)
    found = [
        _golden(schema_id, published, decoder)
        for schema_id, published in enumerate(schema_files.versions(), start=1)
        if published.topic == topic and record in (None, published.record, published.schema["name"])
    ]
    if not found:
        raise LookupError(f"no golden of {record or 'any record'} on {topic}")
    return found


def schema_of(schema_id: int) -> str:
    """Return the schema that an example's message names: a registry in memory, for `EventDecoder`."""
    return json.dumps(schema_files.versions()[schema_id - 1].schema)


def assert_consumes(consume: Callable[[Golden], object], topic: str, record: str | None = None) -> int:
    """Give a consumer every example of a topic, one by one, and return how many it took.

    Raises:
        AssertionError: It raised for at least one; all of them are named.
    """
    examples = goldens(topic, record)
    failures = [line for golden in examples if (line := _failure(consume, golden)) is not None]
    if failures:
        raise AssertionError("\n".join(["the consumer refuses", *failures]))
    return len(examples)


def _golden(schema_id: int, published: Published, decoder: EventDecoder) -> Golden:
    message = b"\0" + schema_id.to_bytes(4) + published.example
    event = decoder.decode(message)
    assert event is not None, f"{published.record} has no class"
    return Golden(
        topic=published.topic, record=published.record, version=published.version, message=message, event=event
    )


def _failure(consume: Callable[[Golden], object], golden: Golden) -> str | None:
    try:
        consume(golden)
    except Exception as error:  # noqa: BLE001 - whatever a consumer raises is what the test is about.
        return f"  {golden.record} version {golden.version}: {type(error).__name__}: {error}"
    return None
