"""The schema files in a real registry."""

import copy
import dataclasses
import uuid
from pathlib import Path
from typing import Any

import pytest

from paykit.events import registration, schema_files
from paykit.events.registration import Presence
from paykit.events.registry import RegistryClient, SchemaRefusedError
from paytools.localstack import Endpoints

PREFIX_LETTERS = 8


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:PREFIX_LETTERS]}."


def version_2(file: schema_files.SchemaFile, **field: Any) -> schema_files.SchemaFile:
    schema = copy.deepcopy(file.schema)
    schema["fields"].append(field)
    return dataclasses.replace(file, version=2, schema=schema, path=Path("2.avsc"))


def success() -> schema_files.SchemaFile:
    return schema_files.load(schema_files.schema_root() / "payment.events" / "PaymentSuccess" / "1.avsc")


async def test_every_schema_is_registered_once_under_full_transitive(stack: Endpoints, prefix: str) -> None:
    everything = list(schema_files.versions(schema_files.schema_root()))
    async with RegistryClient(stack.registry) as registry:
        first = await registration.register(registry, everything, prefix=prefix)
        again = await registration.register(registry, everything, prefix=prefix)
        compared = await registration.differences(registry, everything, prefix=prefix)
    assert [each.new for each in first] == [True] * len(everything)
    assert [each.new for each in again] == [False] * len(everything)
    assert [each.schema_id for each in first] == [each.schema_id for each in again]
    assert {(line.presence, line.level) for line in compared} == {(Presence.SAME, "FULL_TRANSITIVE")}


async def test_an_optional_field_is_accepted_as_version_2(stack: Endpoints, prefix: str) -> None:
    second = version_2(success(), name="note", type=["null", "string"], default=None, doc="A note.")
    async with RegistryClient(stack.registry) as registry:
        done = await registration.register(registry, [success(), second], prefix=prefix)
        assert await registry.versions(registration.subject_of(success(), prefix=prefix)) == [1, 2]
    assert [each.new for each in done] == [True, True]


async def test_the_registry_refuses_a_required_field_too(stack: Endpoints, prefix: str) -> None:
    second = version_2(success(), name="note", type="string", doc="A note.")
    subject = registration.subject_of(success(), prefix=prefix)
    async with RegistryClient(stack.registry) as registry:
        with pytest.raises(SchemaRefusedError, match=r"payment\.events/PaymentSuccess/2\.avsc"):
            await registration.register(registry, [success(), second], prefix=prefix)
        assert await registry.versions(subject) == [1]
        assert await registry.incompatibilities(subject, schema_files.registry_text(second.schema)) != []
        assert await registry.incompatibilities(subject, schema_files.registry_text(success().schema)) == []


async def test_what_is_missing_and_what_is_unknown_is_told_apart(stack: Endpoints, prefix: str) -> None:
    second = version_2(success(), name="note", type=["null", "string"], default=None, doc="A note.")
    async with RegistryClient(stack.registry) as registry:
        missing = await registration.differences(registry, [success()], prefix=prefix)
        await registration.register(registry, [success(), second], prefix=prefix)
        unknown = await registration.differences(registry, [success()], prefix=prefix)
    assert [(line.version, line.presence) for line in missing] == [(1, Presence.MISSING)]
    assert [(line.version, line.presence) for line in unknown] == [(1, Presence.SAME), (2, Presence.UNKNOWN)]
