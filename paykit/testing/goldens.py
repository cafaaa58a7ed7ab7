"""Every event version as a worked example, for the tests of teams that consume paystream's events: no stack needed.

    from paykit.testing.goldens import assert_consumes

    def test_our_reporting_reads_every_payment_event():
        assert_consumes(lambda golden: reporting.on_event(golden.record, golden.value), "payment.events")

A golden gives the same event as values (`value`), as bytes on Kafka (`message(schema_id)`) and, by `event()`, as the
generated class. `registry()` is a Schema Registry in memory that knows all of them, for a consumer that asks one.
"""

import functools
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from paykit.events import classes as catalogue
from paykit.events import goldens as contract_goldens
from paykit.events import schema_files as files
from paykit.events.event import Event
from paykit.events.goldens import Golden
from paykit.testing.fake_registry import FakeRegistry

__all__ = ["Golden", "KnownRegistry", "assert_consumes", "event", "goldens", "registry"]


def goldens(topic: str, record: str | None = None) -> list[Golden]:
    """Return the examples of a topic, every version of every record, in the order of the files.

    Args:
        topic: As in `payment.events`.
        record: Only this record, by its full or its short name.

    Raises:
        LookupError: There is none: the topic or the record is misspelt.
    """
    versions = [
        deepcopy(golden)  # Whoever changes an example changes their own.
        for golden in _all(files.schema_root())
        if golden.topic == topic and record in (None, golden.record, golden.record.rpartition(".")[2])
    ]
    if not versions:
        raise LookupError(f"no golden of {record or 'any record'} on {topic}")
    return versions


@functools.cache
def _all(root: Path) -> tuple[Golden, ...]:
    """Read the hundreds of files once: tests ask for an example at a time."""
    return tuple(contract_goldens.load_all(root))


def event(golden: Golden) -> Event:
    """Return an example as the generated class of this build, whatever version it was written by.

    Raises:
        LookupError: This build has no class for the record.
    """
    own, cls = catalogue.own_files().get(golden.record), catalogue.event_class(golden.record)
    if own is None or cls is None:
        raise LookupError(f"no event class for {golden.record}")
    return cls.from_record(golden.read_as(own.schema))


def assert_consumes(consume: Callable[[Golden], object], topic: str, record: str | None = None) -> int:
    """Return a consumer every example of a topic, one by one, and say how many it took.

    Raises:
        AssertionError: It raised for at least one; all of them are named.
    """
    failures = [line for golden in goldens(topic, record) if (line := _failure(consume, golden)) is not None]
    if failures:
        raise AssertionError("\n".join(["the consumer refuses", *failures]))
    return len(goldens(topic, record))


def _failure(consume: Callable[[Golden], object], golden: Golden) -> str | None:
    try:
        consume(golden)
    except Exception as error:  # noqa: BLE001 - whatever a consumer raises is what the test is about.
        return f"  {golden.record} version {golden.version}: {type(error).__name__}: {error}"
    return None


@dataclass(frozen=True, kw_only=True)
class KnownRegistry:
    """A registry in memory that has every golden's schema.

    Attributes:
        fake: Answers `fake.client()`.
        ids: Schema id by record and version, for `golden.message(...)`.
    """

    fake: FakeRegistry
    ids: dict[tuple[str, int], int]

    def message(self, golden: Golden) -> bytes:
        """Return an example as it would stand on Kafka beside this registry."""
        return golden.message(self.ids[golden.record, golden.version])


def registry(schema_files: Iterable[files.SchemaFile] | None = None) -> KnownRegistry:
    """Make a registry in memory that has the schema files given; by default all of them."""
    fake = FakeRegistry()
    ids = {}
    for file in schema_files or files.versions(files.schema_root()):
        subject = f"{file.topic}-{file.full_name}"
        ids[file.full_name, file.version] = fake.register(subject, files.registry_text(file.schema))
    return KnownRegistry(fake=fake, ids=ids)
