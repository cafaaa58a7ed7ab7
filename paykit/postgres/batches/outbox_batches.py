"""Batches: the events of one transaction and topic in one compressed row of the outbox.

The ids of rows are ID_STEP apart, so that each event of a batch has an id of its own: the first has the row's, the next
one more. So whatever is said by ids, of holds, acknowledgements and order, is said of events, and a batch that cannot
be sent whole is replaced by rows of its events under the ids that they have anyway.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import zstandard

from paykit.base.errors import DefectError
from paykit.clock import from_micros
from paykit.postgres.batches.emitted import EventColumns, EventKind
from paykit.postgres.outbox import OutboxRow

ID_STEP = 1000
"""Between the ids of rows; `runtime_schema` has their sequence step so."""
EVENTS_MAX = ID_STEP
"""Of one row."""
CONTENT_BYTES_MAX = 2 * 1024 * 1024
"""Of one row before it is compressed; more events are more rows. What claims to hold more is not unpacked."""
LEVEL = 1
"""Of zstd: a higher one takes several times as long and saves a tenth."""
VERSION = 1
EVENT_TYPE = "batch"
"""In the place of a record's name, in which there is a dot: a relay of a build that knows no batches fails at it, and
stands, before it sends anything of it or behind it."""
DATASCHEMA = f"zstd/{VERSION}"

_HEAD = struct.Struct("<BII")
"""Version, number of events, number of kinds."""
_LENGTH = struct.Struct("<I")
_FIXED_BYTES = 8 + 4 + 2
"""Of an event: time, length of its value, kind."""
_SEPARATOR = "\0"
"""Between texts: PostgreSQL has none that holds it."""


def parts(rows: Sequence[OutboxRow]) -> Iterator[EventColumns]:
    """Part rows by topic and size, each part in their order; what is one event alone is no batch."""
    topics: dict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        topics[row[0]].append(row)
    for of_topic in topics.values():
        yield from fitting(EventColumns.of(of_topic))


def fitting(events: EventColumns) -> Iterator[EventColumns]:
    """Part events by size."""
    count = len(events)
    if count == 1 or (count <= EVENTS_MAX and _bytes_at_most(events) <= CONTENT_BYTES_MAX):
        yield events
        return
    half = count // 2
    yield from fitting(events.part(0, half))
    yield from fitting(events.part(half, count))


def _bytes_at_most(events: EventColumns) -> int:
    kinds = set(events.kinds)
    texts = sum(map(len, events.keys)) + sum(map(len, events.event_ids))
    texts += sum(len(text or "") for kind in kinds for text in kind)
    # A character has 4 bytes at most.
    return (
        64 + sum(map(len, events.values)) + 4 * (texts + 2 * len(events) + 3 * len(kinds)) + _FIXED_BYTES * len(events)
    )


class Packer:
    """Packs and unpacks; of one thread."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def pack(self, events: EventColumns) -> bytes:
        """Return the value of a batch, of events as `fitting` gives them.

        Raises:
            DefectError: A text holds NUL.
        """
        kinds: dict[EventKind, int] = {}
        of_rows = [kinds.setdefault(kind, len(kinds)) for kind in events.kinds]
        count = len(events)
        return self._compressor.compress(
            b"".join(
                (
                    _HEAD.pack(VERSION, count, len(kinds)),
                    _joined(events.keys),
                    _joined(events.event_ids),
                    _joined([text or "" for kind in kinds for text in kind]),
                    struct.pack(f"<{count}H", *of_rows),
                    struct.pack(f"<{count}q", *events.occurred_us),
                    struct.pack(f"<{count}I", *map(len, events.values)),
                    *events.values,
                )
            )
        )

    def unpack(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the events of a row of the outbox that is a batch, each as if it was a row of its own.

        Raises:
            DefectError: It is not a batch of this version, or larger than one may be.
        """
        try:
            size = zstandard.frame_content_size(row["value"])
            if not 0 <= size <= CONTENT_BYTES_MAX:
                raise DefectError(f"the batch {row['id']} of the outbox claims to hold {size} bytes")
            content = self._decompressor.decompress(row["value"], max_output_size=CONTENT_BYTES_MAX)
            return _events(row, content)
        except (zstandard.ZstdError, struct.error, ValueError, IndexError) as error:
            raise DefectError(f"the batch {row['id']} of the outbox cannot be unpacked: {error}") from error


def _joined(texts: Sequence[str]) -> bytes:
    joined = _SEPARATOR.join(texts)
    if joined.count(_SEPARATOR) != len(texts) - 1:
        raise DefectError("a text of an event holds NUL")
    encoded = joined.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _events(row: Mapping[str, Any], content: bytes) -> list[dict[str, Any]]:
    version, count, kinds_count = _HEAD.unpack_from(content)
    if version != VERSION or not 0 < count <= EVENTS_MAX:
        raise DefectError(f"the batch {row['id']} of the outbox is of version {version} and has {count} events")
    at = _HEAD.size
    columns: list[list[str]] = []
    for _ in range(3):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        columns.append(content[at : at + length].decode().split(_SEPARATOR))
        at += length
    keys, event_ids, texts = columns
    kinds = list(zip(texts[::3], texts[1::3], texts[2::3], strict=True))
    of_rows = struct.unpack_from(f"<{count}H", content, at)
    moments = struct.unpack_from(f"<{count}q", content, at + 2 * count)
    lengths = struct.unpack_from(f"<{count}I", content, at + 10 * count)
    at += _FIXED_BYTES * count
    if len(kinds) != kinds_count or at + sum(lengths) != len(content):
        raise DefectError(f"the batch {row['id']} of the outbox does not hold what it says")
    found = []
    for number, (key, event_id, kind, moment, length) in enumerate(
        zip(keys, event_ids, of_rows, moments, lengths, strict=True)
    ):
        event_type, dataschema, traceparent = kinds[kind]
        found.append(
            {
                "id": row["id"] + number,
                "topic": row["topic"],
                "key": key,
                "event_id": event_id,
                "event_type": event_type,
                "dataschema": dataschema,
                "occurred_at": from_micros(moment),
                "traceparent": traceparent or None,
                "value": content[at : at + length],
                "header_names": None,
                "header_values": None,
            }
        )
        at += length
    return found
