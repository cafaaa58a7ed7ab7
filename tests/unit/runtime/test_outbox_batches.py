"""What is packed comes out as it went in, in batches of bounded size, and what is damaged is told of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from paykit.base.errors import DefectError
from paykit.postgres.batches.emitted import Emitted, EventColumns
from paykit.postgres.batches.outbox_batches import CONTENT_BYTES_MAX, EVENTS_MAX, Packer, parts
from paykit.postgres.outbox import COLUMNS, OutboxRow

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = st.tuples(
    st.just("t"),
    TEXTS,
    TEXTS,
    st.sampled_from(["a.B", "a.C"]),
    st.sampled_from(["t/B/1", "t/C/2"]),
    st.integers(0, 2**57).map(lambda number: EPOCH + timedelta(microseconds=number)),
    st.none() | TEXTS.filter(bool),
    st.binary(max_size=200),
)


def row(number: int, *, topic: str = "t", value: bytes = b"v") -> OutboxRow:
    return topic, f"k{number}", f"evt_{number}", "paystream.x.v1.E", "x.events/E/1", NOON, None, value


def stored(packed: bytes, *, row_id: int = 5_000) -> dict[str, Any]:
    return {"id": row_id, "topic": "t", "value": packed}


def unpacked(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    packer = Packer()
    events = packer.unpack(stored(packer.pack(EventColumns.of(rows))))
    assert [event["id"] for event in events] == list(range(5_000, 5_000 + len(rows)))
    assert {(event["header_names"], event["header_values"]) for event in events} == {(None, None)}
    return [tuple(event[name] for name in COLUMNS) for event in events]


@given(st.lists(ROWS, min_size=2, max_size=20))
def test_what_is_packed_comes_out_as_it_went_in(rows: list[OutboxRow]) -> None:
    assert unpacked(rows) == rows


def test_times_of_other_zones_are_the_same_moments() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    rows = [(*row(n)[:5], there + timedelta(microseconds=n), *row(n)[6:]) for n in range(2)]
    assert [event[5].isoformat() for event in unpacked(rows)] == [
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T12:00:00.000001+00:00",
    ]


def test_batches_are_of_one_topic_and_of_bounded_number_and_size() -> None:
    rows = [row(n, topic=f"t{n % 2}") for n in range(5_001)]
    of_topics = [list(part.rows()) for part in parts(rows)]
    assert max(len(part) for part in of_topics) <= EVENTS_MAX
    assert len(of_topics) <= 8
    for topic, group in groupby(of_topics, key=lambda part: part[0][0]):
        assert [each for part in group for each in part] == [each for each in rows if each[0] == topic]


def test_large_events_are_few_in_a_batch_and_stay_in_order() -> None:
    rows = [row(n, value=bytes(500_000)) for n in range(7)]
    of_rows = [list(part.rows()) for part in parts(rows)]
    assert [each for part in of_rows for each in part] == rows
    assert max(len(part) for part in of_rows) == 4
    for part in of_rows:
        assert unpacked(part) == part


def test_the_largest_batch_can_be_unpacked() -> None:
    rows = [("t", "k" * 300, "\U0001f600" * 90, "a.B", "t/B/1", NOON, "p" * n, b"v" * 100) for n in range(1, 600)]
    for part in parts(rows):
        assert unpacked([*part.rows()]) == [*part.rows()]


def test_a_single_event_is_no_batch() -> None:
    assert [len(part) for part in parts([row(1), row(2, topic="u")])] == [1, 1]


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(DefectError, match="NUL"):
        Packer().pack(EventColumns.of([row(1), ("t", "k\0", *row(2)[2:])]))


def test_what_would_unpack_to_more_than_a_batch_holds_is_not_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(CONTENT_BYTES_MAX + 1))
    assert len(bomb) < 1_000
    with pytest.raises(DefectError, match="the batch 5000 of the outbox claims to hold 2097153 bytes"):
        Packer().unpack(stored(bomb))
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(CONTENT_BYTES_MAX + 1))
    with pytest.raises(DefectError, match="claims to hold"):
        Packer().unpack(stored(streamed))


def test_of_a_damaged_batch_nothing_comes_out() -> None:
    packed = Packer().pack(EventColumns.of([row(n) for n in range(3)]))
    content = zstandard.ZstdDecompressor().decompress(packed)
    damaged = [content[:cut] for cut in range(len(content))]
    damaged += [b"\2" + content[1:], content[:1] + b"\0\0\0\0" + content[5:], content + b"x"]
    for each in damaged:
        with pytest.raises(DefectError, match="batch 5000"):
            Packer().unpack(stored(zstandard.ZstdCompressor().compress(each)))
    with pytest.raises(DefectError, match="cannot be unpacked"):
        Packer().unpack(stored(packed[:-3]))


SEGMENTS = st.lists(st.tuples(st.booleans(), st.lists(ROWS, min_size=1, max_size=4)), max_size=6)


def emit(emitted: Emitted, segments: Sequence[tuple[bool, list[OutboxRow]]]) -> None:
    for in_columns, rows in segments:
        if in_columns:
            emitted.extend(EventColumns.of(rows))
        else:
            for each in rows:
                emitted.append(each)


@given(before=SEGMENTS, undone=SEGMENTS, after=SEGMENTS)
def test_what_was_emitted_stays_in_its_order_without_what_was_undone(
    before: list[tuple[bool, list[OutboxRow]]],
    undone: list[tuple[bool, list[OutboxRow]]],
    after: list[tuple[bool, list[OutboxRow]]],
) -> None:
    emitted = Emitted()
    emit(emitted, before)
    mark = emitted.mark()
    emit(emitted, undone)
    emitted.undo(mark)
    emit(emitted, after)
    rows = [row for _, of_segment in (*before, *after) for row in of_segment]
    assert [*emitted] == rows
    assert len(emitted) == len(rows)
    assert emitted.records == {row[3] for row in rows}
    emitted.clear()
    assert ([*emitted], len(emitted), emitted.records) == ([], 0, set())
