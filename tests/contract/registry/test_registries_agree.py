"""The registry in memory answers as the real one does, as far as paystream asks."""

import uuid
from collections.abc import Iterator

import pytest

from paykit.events import classes as catalogue
from paykit.events import schema_files
from paykit.events.registry import COMPATIBILITY, RegistryClient, SchemaNotFoundError
from paykit.testing.fake_registry import FakeRegistry

PAYMENT_CREATED = schema_files.registry_text(catalogue.own_files()["paystream.payment.v1.PaymentCreated"].schema)
ID_THAT_NOBODY_HAS = 2_000_000_000


@pytest.fixture(params=["fake", "real"])
def registry(request: pytest.FixtureRequest) -> Iterator[RegistryClient]:
    if request.param == "fake":
        yield FakeRegistry().client()
        return
    yield RegistryClient(request.getfixturevalue("stack").registry)


@pytest.fixture
def subject() -> str:
    return f"t{uuid.uuid4().hex[:8]}.payment.events-paystream.payment.v1.PaymentCreated"


async def test_a_registered_schema_is_found_in_every_way(registry: RegistryClient, subject: str) -> None:
    async with registry:
        schema_id = await registry.register(subject, PAYMENT_CREATED)
        found = await registry.lookup(subject, PAYMENT_CREATED)
        assert (found.schema_id, found.version, found.subject) == (schema_id, 1, subject)
        assert schema_files.schema_of(await registry.schema(schema_id)) == schema_files.schema_of(PAYMENT_CREATED)
        assert await registry.versions(subject) == [1]
        assert (await registry.version(subject, 1)).schema_id == schema_id
        assert subject in await registry.subjects()


async def test_registering_again_changes_nothing(registry: RegistryClient, subject: str) -> None:
    async with registry:
        first = await registry.register(subject, PAYMENT_CREATED)
        assert await registry.register(subject, PAYMENT_CREATED) == first
        assert await registry.versions(subject) == [1]


async def test_a_schema_has_one_id_under_all_subjects(registry: RegistryClient, subject: str) -> None:
    async with registry:
        first = await registry.register(subject, PAYMENT_CREATED)
        assert await registry.register(f"other-{subject}", PAYMENT_CREATED) == first


async def test_what_is_not_there_is_not_found(registry: RegistryClient, subject: str) -> None:
    async with registry:
        with pytest.raises(SchemaNotFoundError):
            await registry.lookup(subject, PAYMENT_CREATED)
        with pytest.raises(SchemaNotFoundError):
            await registry.versions(subject)
        with pytest.raises(SchemaNotFoundError):
            await registry.schema(ID_THAT_NOBODY_HAS)


async def test_compatibility_is_set_per_subject_before_its_first_version(
    registry: RegistryClient, subject: str
) -> None:
    async with registry:
        assert await registry.compatibility(subject) is None
        await registry.set_compatibility(subject)
        assert await registry.compatibility(subject) == COMPATIBILITY
