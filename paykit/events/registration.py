"""The schema files in a registry: registered under their subjects, and compared with what is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from paykit.events.registry import COMPATIBILITY, RegistryClient, SchemaNotFoundError, SchemaRefusedError, together
from paykit.events.schema_files import SchemaFile, fingerprint, registry_text, schema_of
from paykit.events.violation import Rule, Violation


class CompatibilityUnsetError(Exception):
    """The registry did not take the compatibility level; one that accepts anything must not be used."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A schema file and its id.

    Attributes:
        new: Whether it was not registered before.
    """

    subject: str
    file: SchemaFile
    schema_id: int
    new: bool


class Presence(StrEnum):
    """How a schema file and the registry compare."""

    SAME = "same"
    MISSING = "missing"
    """The registry does not have it."""
    UNKNOWN = "unknown"
    """The registry has it and this build does not."""


@dataclass(frozen=True, kw_only=True)
class SchemaDifference:
    """One schema in the files or in the registry.

    Attributes:
        version: Of the file; the registry's own count where there is no file.
        schema_id: None where it is missing.
        level: Compatibility set for the subject; None when none is.
    """

    subject: str
    version: int
    presence: Presence
    schema_id: int | None
    level: str | None


def subject_of(file: SchemaFile, *, prefix: str = "") -> str:
    """Name the subject: topic and full name of the record, as TopicRecordNameStrategy has it."""
    return f"{prefix}{file.topic}-{file.full_name}"


async def register(
    registry: RegistryClient, schema_files: Iterable[SchemaFile], *, prefix: str = ""
) -> list[Registration]:
    """Register every version in order, each subject under FULL_TRANSITIVE; what is there already stays as it is.

    Raises:
        CompatibilityUnsetError: A subject's level cannot be set.
        SchemaRefusedError: The registry finds a version incompatible; earlier ones stay registered.
        RegistryUnavailableError: The registry cannot be reached.
    """
    subjects = _by_subject(schema_files, prefix)
    done = await together(_register(registry, subject, versions) for subject, versions in subjects.items())
    return [registration for registrations in done for registration in registrations]


async def _register(registry: RegistryClient, subject: str, versions: list[SchemaFile]) -> list[Registration]:
    await registry.set_compatibility(subject)
    if await registry.compatibility(subject) != COMPATIBILITY:
        raise CompatibilityUnsetError(f"{subject}: the registry did not take compatibility {COMPATIBILITY}")
    return [await _register_version(registry, subject, file) for file in versions]


async def _register_version(registry: RegistryClient, subject: str, file: SchemaFile) -> Registration:
    text = registry_text(file.schema)
    try:
        schema_id, new = (await registry.lookup(subject, text)).schema_id, False
    except SchemaNotFoundError:
        try:
            schema_id, new = await registry.register(subject, text), True
        except SchemaRefusedError as error:
            raise SchemaRefusedError(f"{file.name}: {error}") from error
    return Registration(subject=subject, file=file, schema_id=schema_id, new=new)


async def refusals(
    registry: RegistryClient, schema_files: Iterable[SchemaFile], *, prefix: str = ""
) -> list[Violation]:
    """Let the registry compare the newest version of each record with what it has; nothing is registered."""
    newest = {subject: versions[-1] for subject, versions in _by_subject(schema_files, prefix).items()}
    texts = await together(
        registry.incompatibilities(subject, registry_text(file.schema)) for subject, file in newest.items()
    )
    return [
        Violation(file=file.name, field="", rule=Rule.INCOMPATIBLE, message=f"the registry says: {message}")
        for file, messages in zip(newest.values(), texts, strict=True)
        for message in messages
    ]


async def differences(
    registry: RegistryClient, schema_files: Iterable[SchemaFile], *, prefix: str = ""
) -> list[SchemaDifference]:
    """Compare the files with the registry, both ways, ordered by subject and version; equal ones are listed too."""
    subjects = _by_subject(schema_files, prefix)
    compared = await together(_compare(registry, subject, versions) for subject, versions in subjects.items())
    return [difference for differences in compared for difference in differences]


async def _compare(registry: RegistryClient, subject: str, versions: list[SchemaFile]) -> list[SchemaDifference]:
    level = await registry.compatibility(subject)
    ids = await _fingerprints(registry, subject)
    lines = []
    for file in versions:
        schema_id, _ = ids.pop(fingerprint(file.schema), (None, 0))
        presence = Presence.MISSING if schema_id is None else Presence.SAME
        lines.append(
            SchemaDifference(subject=subject, version=file.version, presence=presence, schema_id=schema_id, level=level)
        )
    for schema_id, version in ids.values():
        lines.append(
            SchemaDifference(
                subject=subject, version=version, presence=Presence.UNKNOWN, schema_id=schema_id, level=level
            )
        )
    return lines


async def _fingerprints(registry: RegistryClient, subject: str) -> dict[str, tuple[int | None, int]]:
    """Return id and the registry's version number by the fingerprint of each schema under a subject."""
    try:
        numbers = await registry.versions(subject)
    except SchemaNotFoundError:
        return {}
    registered = [await registry.version(subject, number) for number in numbers]
    return {fingerprint(schema_of(schema.schema)): (schema.schema_id, schema.version) for schema in registered}


def _by_subject(schema_files: Iterable[SchemaFile], prefix: str) -> dict[str, list[SchemaFile]]:
    subjects: dict[str, list[SchemaFile]] = {}
    for file in schema_files:
        subjects.setdefault(subject_of(file, prefix=prefix), []).append(file)
    return subjects
