"""The published schemas of events in this package, with an example of each: `schemas/<topic>/<Record>/<n>.avsc`."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One version of one record.

    Attributes:
        topic: Without a prefix.
        version: From 1.
        schema: Parsed.
        example: An event in Avro's binary encoding, without the prefix of a message.
    """

    topic: str
    version: int
    schema: dict[str, Any]
    example: bytes

    @property
    def record(self) -> str:
        """The full name, as in `paystream.payment.v1.PaymentSuccess`."""
        return f"{self.schema['namespace']}.{self.schema['name']}"


@functools.cache
def versions() -> tuple[Published, ...]:
    """Return every version of every record, ordered by topic, record and version."""
    return tuple(sorted(_read(), key=lambda one: (one.topic, one.record, one.version)))


@functools.cache
def newest() -> dict[str, Published]:
    """Return the newest version of each record, by its full name: what the generated classes are of."""
    return {one.record: one for one in versions()}


def _read() -> Iterator[Published]:
    for topic in _below(resources.files("paystream_client") / "schemas"):
        for record in _below(topic):
            for file in record.iterdir():
                number, _, ending = file.name.partition(".")
                if ending == "avsc":
                    schema = json.loads(file.read_text(encoding="utf-8"))
                    example = (record / f"{number}.golden.bin").read_bytes()
                    yield Published(topic=topic.name, version=int(number), schema=schema, example=example)


def _below(folder: Traversable) -> Iterator[Traversable]:
    return (inner for inner in folder.iterdir() if inner.is_dir())
