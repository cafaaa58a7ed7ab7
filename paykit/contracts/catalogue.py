"""The event classes and reader schemas of this build, by the full name of their Avro record."""

import functools
import importlib
from typing import cast

from paykit.contracts import files
from paykit.contracts.event import Event


@functools.cache
def newest_files() -> dict[str, files.SchemaFile]:
    """Give the newest schema file of every record."""
    return {file.full_name: file for file in files.newest(files.schema_root())}


@functools.cache
def versions_by_fingerprint() -> dict[str, int]:
    """Give the version of every schema file by its fingerprint."""
    return {files.fingerprint(file.schema): file.version for file in files.versions(files.schema_root())}


@functools.cache
def event_class(full_name: str) -> type[Event] | None:
    """Give the class of a record; None when this build does not know it."""
    if full_name not in newest_files():
        return None
    namespace, _, name = full_name.rpartition(".")
    return cast("type[Event]", getattr(importlib.import_module(f"{namespace}.events"), name))


def records_of(topic: str) -> frozenset[str]:
    """Give the full names of all records that a topic may carry."""
    return frozenset(name for name, file in newest_files().items() if file.topic == topic)
