"""Keeps what was not applied: as rows, so that nothing is lost in silence.

A key with an open dead letter or a parked event is blocked: its later events are parked behind, in order.
"""

from collections.abc import Iterable

import structlog
from prometheus_client import Counter

from paykit.consume.delivery import NotYet, Record
from paykit.consume.prepared import DeadLetterCause, EventResult, PreparedRecord, ReadyEvent, UnhandledEvent
from paykit.consume.store import dead_letters, parked_events, skipped_events
from paykit.kafka import client as kafka
from paykit.postgres.database import Tx

ERROR_TEXT_CHARACTERS_MAX = 4000
COPY_BYTES_MAX = kafka.MESSAGE_BYTES_MAX - 64 * 1024
"""Value and headers of a dead letter's copy, without its key, its error and Kafka's framing."""

DEAD_LETTERS = Counter("paystream_dead_letters_total", "Events that became dead letters.", ["service", "reason"])
PARKED = Counter("paystream_parked_events_total", "Events parked behind their cause or their key.", ["service"])
SKIPPED = Counter("paystream_skipped_events_total", "Events of a type newer than the build.", ["service", "record"])

_log = structlog.get_logger()


async def set_aside(tx: Tx, service: str, records: Iterable[tuple[PreparedRecord, EventResult]]) -> None:
    """Write the rows of records that were not applied, in this order."""
    skipped = dict[str, int]()
    for prepared, result in records:
        match prepared, result:
            case ReadyEvent() as event, NotYet() as answer:
                await parked_events.insert(tx, event.record, record_name=event.name, waits_for=answer.waits_for)
                PARKED.labels(service).inc()
            case UnhandledEvent() as event, _:
                await skip(tx, service=service, record=event.record, name=event.name)
                skipped[event.name] = skipped.get(event.name, 0) + 1
            case _, DeadLetterCause() as cause:
                name = prepared.name if isinstance(prepared, ReadyEvent) else None
                await bury(tx, service=service, record=prepared.record, name=name, cause=cause)
                key, reason = prepared.record.key, cause.reason
                _log.error("dead_letter", service=service, record=name, key=key, reason=reason)
    for name, events in skipped.items():
        _log.error("event_type_unknown", service=service, record=name, events=events)


async def skip(tx: Tx, *, service: str, record: Record, name: str) -> None:
    """Keep an event of a type that this build does not know, for a replay after the upgrade."""
    await skipped_events.insert(tx, record, record_name=name)
    SKIPPED.labels(service, name).inc()


async def bury(tx: Tx, *, service: str, record: Record, name: str | None, cause: DeadLetterCause) -> int:
    """Keep a record as a dead letter, and queue its copy for `<topic>.<service>.dlq`; the dead letter's id."""
    error = cause.error[:ERROR_TEXT_CHARACTERS_MAX].replace("\x00", "\ufffd")
    dead_letter_id = await dead_letters.insert(tx, record, record_name=name, reason=cause.reason, error=error)
    _copy(tx, f"{record.topic}.{service}.dlq", record, reason=cause.reason, error=error)
    DEAD_LETTERS.labels(service, cause.reason).inc()
    return dead_letter_id


def _copy(tx: Tx, topic: str, record: Record, *, reason: str, error: str) -> None:
    """Queue the copy of a dead letter; one that Kafka would not take goes without the contents, which the row keeps."""
    value, headers = record.value, list(record.headers)
    own: list[tuple[str, bytes | None]] = [
        ("paystream-dlq-reason", reason.encode()),
        ("paystream-dlq-error", error.encode()),
        ("paystream-dlq-source", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    ]
    size = len(value or b"") + sum(len(header) + len(content or b"") for header, content in headers)
    if size > COPY_BYTES_MAX:
        value, headers = None, []
        own.append(("paystream-dlq-omitted-bytes", str(size).encode()))
    tx.emit_raw(topic=topic, key=record.key, value=value, headers=[*headers, *own])
