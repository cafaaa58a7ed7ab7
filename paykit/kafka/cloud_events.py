"""Headers of messages, CloudEvents in Kafka's binary mode: of what is sent, and of what was received.

Source: CloudEvents 1.0, Kafka protocol binding, section 3.2.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, overload

HeaderList = list[tuple[str, str | bytes | None]]
Header = tuple[str, bytes | None]

TYPE_HEADER = "ce_type"
"""Names the record in words, beside the schema's id."""
TRACEPARENT_HEADER = "traceparent"
KINDS_MAX = 256
"""Different sequences of names kept in memory; a producer's records of one type most often have the same."""


class CloudEventHeaders:
    """Makes headers; what does not change from event to event is made once."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], HeaderList] = {}

    def of(self, row: Any) -> HeaderList:
        """Return the headers of one outbox row."""
        if row["header_names"] is not None:
            return list(zip(row["header_names"], row["header_values"], strict=True))
        kind = (row["event_type"], row["dataschema"])
        fixed = self._fixed.get(kind) or self._fixed.setdefault(kind, _fixed_headers(*kind))
        own: HeaderList = [
            ("ce_id", row["event_id"]),
            ("ce_time", row["occurred_at"].isoformat()),
            ("ce_subject", row["key"]),
        ]
        if row["traceparent"]:
            own.append(("traceparent", row["traceparent"]))
        return own + fixed


def _fixed_headers(event_type: str, dataschema: str) -> HeaderList:
    service = event_type.split(".")[1]
    return [
        ("ce_type", event_type),
        ("ce_source", f"/paystream/{service}"),
        ("ce_specversion", "1.0"),
        ("ce_dataschema", dataschema),
        ("content-type", "application/avro"),
    ]


class HeaderKind(NamedTuple):
    """What records have in common that have the same headers.

    Attributes:
        types_at: Where the headers stand that say what the record is: one, if the producer did as it should.
        traces_at: Where those stand that hold trace context: one, or none.
    """

    names: tuple[str, ...]
    types_at: tuple[int, ...]
    traces_at: tuple[int, ...]


class RecordHeaders(Sequence[Header]):
    """Headers as they are kept while a record is in hand, in their order; a name may come again.

    The driver makes a list of pairs with names of its own for each message. A batch of thousands would be tens of
    thousands of objects, which take memory, and which each garbage collection meanwhile has to look at.

    Attributes:
        contents: Of each header.
    """

    __slots__ = ("contents", "kind")

    def __init__(self, kind: HeaderKind, contents: tuple[bytes | None, ...]) -> None:
        self.kind = kind
        self.contents = contents

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.contents)

    def __iter__(self) -> Iterator[Header]:
        """Iterate over pairs."""
        return zip(self.kind.names, self.contents, strict=True)

    @overload
    def __getitem__(self, at: int) -> Header: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Header]: ...
    def __getitem__(self, at: int | slice) -> Header | Sequence[Header]:
        """Return a pair, or several."""
        return list(self)[at]

    def __repr__(self) -> str:
        """Show pairs."""
        return repr(list(self))


class Compactor:
    """Makes headers compact: what other records have as well is shared. Of one thread."""

    def __init__(self) -> None:
        self._kind = NO_HEADERS.kind

    def compact(self, headers: Sequence[Header]) -> RecordHeaders:
        """Return headers as they are kept."""
        if type(headers) is RecordHeaders:
            return headers
        if not headers:
            return NO_HEADERS
        names, contents = zip(*headers, strict=True)
        if names != self._kind.names:  # Seldom: to look a kind up, all names are hashed, for they are new texts each.
            self._kind = _kind(names)
        return RecordHeaders(self._kind, contents)


def is_of_type(headers: Sequence[Header], record_type: bytes) -> bool:
    """Return whether headers say nothing else of what the record is."""
    if type(headers) is not RecordHeaders:
        return all(content == record_type for name, content in headers if name == TYPE_HEADER)
    for at in headers.kind.types_at:  # noqa: SIM110 - a generator for each record takes three times as long
        if headers.contents[at] != record_type:
            return False
    return True


def contents_of(headers: Sequence[Header], name: str) -> Sequence[bytes | None]:
    """Return what the headers of a name say, in their order."""
    return [content for each, content in headers if each == name]


def traces_of(headers: Sequence[Header]) -> Sequence[bytes | None]:
    """Return the trace contexts among headers, in their order."""
    if type(headers) is RecordHeaders:
        contents = headers.contents
        return [contents[at] for at in headers.kind.traces_at]
    return contents_of(headers, TRACEPARENT_HEADER)


@lru_cache(maxsize=KINDS_MAX)
def _kind(names: tuple[str, ...]) -> HeaderKind:
    def places_of(name: str) -> tuple[int, ...]:
        return tuple(at for at, each in enumerate(names) if each == name)

    return HeaderKind(names, places_of(TYPE_HEADER), places_of(TRACEPARENT_HEADER))


NO_HEADERS = RecordHeaders(_kind(()), ())
UNREADABLE_HEADERS = RecordHeaders(_kind(("paystream-unreadable-headers",)), (None,))
"""In the place of headers that the driver cannot read, as the name of one is not UTF-8."""
