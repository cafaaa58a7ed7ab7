"""The event classes and reader schemas of this build, by the full name of their Avro record."""

import functools
import importlib
from typing import cast

from paykit.events import schema_files
from paykit.events.event import Event


@functools.cache
def own_files() -> dict[str, schema_files.SchemaFile]:
    """Give, by full name, the schema file that each event class of this build was generated from."""
    return {
        file.full_name: file
        for file in _all_files()
        if getattr(event_class(file.full_name), "VERSION", 0) == file.version
    }


@functools.cache
def _all_files() -> tuple[schema_files.SchemaFile, ...]:
    return tuple(schema_files.versions(schema_files.schema_root()))


@functools.cache
def versions_by_fingerprint() -> dict[str, int]:
    """Return the version of every schema file by its fingerprint."""
    return {schema_files.fingerprint(file.schema): file.version for file in _all_files()}


@functools.cache
def event_class(full_name: str) -> type[Event] | None:
    """Return the class of a record; None when this build does not know it."""
    if full_name not in {file.full_name for file in _all_files()}:
        return None
    namespace, _, name = full_name.rpartition(".")
    try:
        module = importlib.import_module(f"{namespace}.events")
    except ModuleNotFoundError:  # A schema was written and `make gen` has not run yet.
        return None
    return cast("type[Event] | None", getattr(module, name, None))


def records_of(topic: str) -> frozenset[str]:
    """Return the full names of all records of this build that a topic may carry."""
    return frozenset(name for name, file in own_files().items() if file.topic == topic)
