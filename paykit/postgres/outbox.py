"""The outbox table: events written with the change they tell of, deleted once Kafka has acknowledged them.

A row is one event, or a batch: `outbox_batches`.

What waits behind a refusal stands in `outbox_held`, with the same ids; see `outbox_holds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from paykit.events.event import Event
from paykit.postgres.fused.writes import Write

OutboxRow = tuple[str, str, str, str, str, datetime, str | None, bytes]
"""topic, key, event_id, event_type, dataschema, occurred_at, traceparent, value."""

Headers = Sequence[tuple[str, bytes | None]]
"""Kafka's headers, in order; names may repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A message whose bytes and headers are given, such as the copy of a dead letter."""

    topic: str
    key: str
    now: datetime
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class EncodedEvents:
    """Events of one class; each column has as many values as there are events.

    Attributes:
        occurred_us: Microseconds since 1970.
        bodies: As Avro, without the id of their schema.
    """

    keys: Sequence[str]
    event_ids: Sequence[str]
    occurred_us: Sequence[int]
    traceparents: Sequence[str | None]
    bodies: Sequence[bytes]


COLUMNS = ("topic", "key", "event_id", "event_type", "dataschema", "occurred_at", "traceparent", "value")

COPY_ROWS_MIN = 32
"""From this many rows on COPY is quicker than INSERT, which needs one round trip less."""

_INSERT = """
INSERT INTO outbox (topic, key, event_id, event_type, dataschema, occurred_at, traceparent, value)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
                     $8::bytea[])
"""

_INSERT_PACKED = """
INSERT INTO outbox (topic, key, event_id, event_type, dataschema, occurred_at, traceparent, value, events)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
                     $8::bytea[], $9::integer[])
"""

_INSERT_RAW = """
INSERT INTO outbox (topic, key, event_id, event_type, dataschema, occurred_at, value, header_names, header_values)
VALUES ($1, $2, '', '', '', $3, $4, $5, $6)
"""

# The oldest rows first. A row with a smaller id can appear later only for another key (see Tx.emit).
SENT_COLUMNS = ("id", *COLUMNS, "header_names", "header_values")
_SENT = ", ".join(SENT_COLUMNS)

SELECT_KEYS = """
SELECT id, topic, key, events, coalesce(octet_length(value), 0) AS bytes FROM outbox WHERE id > $1 ORDER BY id LIMIT $2
"""
"""After an id, behind which only dead rows are: what it takes to know which rows can be sent."""

SELECT_ROWS = f"SELECT {_SENT}, events FROM outbox WHERE id = ANY($1::bigint[]) ORDER BY id"

SELECT_FIRST_ID = "SELECT id FROM outbox WHERE id <= $1 ORDER BY id LIMIT 1"
"""Of the rows up to an id; reads every dead row of them where there is none."""

# Whoever writes a row takes this lock before its id is taken, and keeps it until the row is visible or will never be.
SELECT_WRITERS = """
SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND relation = 'outbox'::regclass AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
"""

# After the events of the last row nothing can be settled: the ids were set back, and what is kept is of no use.
SELECT_SETTLED_ID = """
SELECT settled_id FROM outbox_position
WHERE settled_id < pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass) + 1000
"""

SAVE_SETTLED_ID = """
INSERT INTO outbox_position (settled_id) VALUES ($1) ON CONFLICT (one) DO UPDATE SET settled_id = $1
"""

DELETE_BATCH = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"

SET_ASIDE = f"""
WITH moved AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING *)
INSERT INTO outbox_held ({_SENT}) SELECT {_SENT} FROM moved
"""
"""Rows behind a refusal leave the outbox, which stays as small as what is on its way."""

SELECT_HELD_OF_KEY = f"SELECT {_SENT} FROM outbox_held WHERE topic = $1 AND key = $2 ORDER BY id LIMIT $3"

SELECT_HELD_OF_TOPIC = f"""
SELECT {_SENT} FROM outbox_held WHERE topic = $1 AND key <> ALL($2::text[]) ORDER BY id LIMIT $3
"""

DELETE_HELD = "DELETE FROM outbox_held WHERE id = ANY($1::bigint[])"

# Counting stops at $1 rows: an outbox of millions must not cost a scan of millions every few seconds. The time of a
# batch is its oldest event's.
SELECT_DEPTH = """
SELECT least(coalesce(sum(events), 0), $1::bigint) AS rows, min(occurred_at) AS oldest FROM (
    (SELECT events, occurred_at FROM outbox WHERE id > $2 ORDER BY id LIMIT $1)
    UNION ALL (SELECT 1, occurred_at FROM outbox_held ORDER BY id LIMIT $1)) AS head
"""

SELECT_HELD_KEYS = """
SELECT topic, count(DISTINCT key) AS keys
FROM (SELECT topic, key FROM outbox_held ORDER BY id LIMIT $1) AS head GROUP BY topic
"""


def dataschema(event: type[Event] | Event) -> str:
    """Name the schema file of an event, as CloudEvents do."""
    return _dataschema(event.TOPIC, event.RECORD, event.VERSION)


@cache
def _dataschema(topic: str, record: str, version: int) -> str:
    return f"{topic}/{record.rpartition('.')[2]}/{version}"


async def insert_outbox_rows(driver: Any, rows: Sequence[OutboxRow]) -> None:
    """Append rows in the order given."""
    if len(rows) >= COPY_ROWS_MIN:
        await driver.copy_records_to_table("outbox", records=rows, columns=COLUMNS)
    else:
        await _carry_out(driver, outbox_write(rows))


async def insert_packed_rows(driver: Any, rows: Sequence[tuple[OutboxRow, int]]) -> None:
    """Append rows in the order given, each with the number of events that it holds."""
    await _carry_out(driver, packed_write(rows))


async def replace_batches(driver: Any, batch_ids: Sequence[int], events: Sequence[Any]) -> None:
    """Put events in the place of the batches that hold them, each as a row under its own id."""
    await _replace(driver, "outbox", DELETE_BATCH, batch_ids, events)


async def replace_held_batches(driver: Any, batch_ids: Sequence[int], events: Sequence[Any]) -> None:
    """Do the same in `outbox_held`, where a relay of a build that knows no batches may have put some."""
    await _replace(driver, "outbox_held", DELETE_HELD, batch_ids, events)


async def _replace(driver: Any, table: str, delete: str, batch_ids: Sequence[int], events: Sequence[Any]) -> None:
    records = [tuple(event[name] for name in SENT_COLUMNS) for event in events]
    async with driver.transaction():
        await driver.execute(delete, batch_ids)
        await driver.copy_records_to_table(table, records=records, columns=SENT_COLUMNS)


async def insert_raw_row(driver: Any, row: RawRow) -> None:
    """Append a message whose bytes and headers are given."""
    await _carry_out(driver, raw_write(row))


def outbox_write(rows: Sequence[OutboxRow]) -> Write:
    """Return the insert of rows, at least one, in the order given."""
    return Write(_INSERT, tuple(map(list, zip(*rows, strict=True))))


def packed_write(rows: Sequence[tuple[OutboxRow, int]]) -> Write:
    """Return the insert of rows, at least one, in the order given, each with the number of events that it holds."""
    return Write(_INSERT_PACKED, tuple(map(list, zip(*[(*row, events) for row, events in rows], strict=True))))


def raw_write(row: RawRow) -> Write:
    """Return the insert of a message whose bytes and headers are given."""
    names, values = [name for name, _ in row.headers], [content for _, content in row.headers]
    return Write(_INSERT_RAW, (row.topic, row.key, row.now, row.value, names, values))


async def _carry_out(driver: Any, write: Write) -> None:
    await driver.execute(write.sql, *write.args)
