"""Whether a build may run on the schema that it finds, asked once when a process starts."""

import asyncpg

from paykit.base.config import ConfigurationError
from paykit.postgres import runtime_schema
from paykit.postgres.database import Database
from paykit.postgres.upgrades import schema_support
from paykit.postgres.upgrades.schema_support import SchemaState
from paykit.process import revisions


async def check(database: Database, service: str) -> None:
    """Refuse a schema that this build cannot work with.

    Raises:
        ConfigurationError: The schema is older than the build, or newer and not made for it; the text names both.
        UnavailableError: PostgreSQL cannot be reached.
    """
    known = revisions.revisions_of(service)
    try:
        rows = await database.read(lambda tx: tx.fetch(schema_support.SELECT))
    except asyncpg.UndefinedTableError as error:
        needed = f", which needs {known[-1]}" if known else ""
        raise ConfigurationError(
            f"the schema of {service} is older than this build{needed}: run `paystream db migrate {service}`"
        ) from error
    refused = refusal(service, known, SchemaState(**rows[0]))
    if refused is not None:
        raise ConfigurationError(refused)


def refusal(service: str, known: list[str], state: SchemaState) -> str | None:
    """Say why a build must not run on a schema; None where it may.

    Args:
        service: Whose schema.
        known: The revisions of the build, in their order; none where they stand elsewhere.
        state: Of the schema.
    """
    if known and state.revision != known[-1]:
        if state.revision in known:
            return (
                f"the schema of {service} is at {state.revision}, and this build needs {known[-1]}: "
                f"run `paystream db migrate {service}`"
            )
        if not _is_made_for(known[-1], state):
            return (
                f"the schema of {service} is at {state.revision}, which takes builds from "
                f"{state.oldest_build or state.revision} on, and this build is of {known[-1]}: run a newer build"
            )
    if state.runtime_version < runtime_schema.version():
        return (
            f"the runtime's tables in the schema of {service} are of version {state.runtime_version}, and this build "
            f"needs {runtime_schema.version()}: run `paystream db migrate {service}`"
        )
    return None


def _is_made_for(build: str, state: SchemaState) -> bool:
    """Return whether everything that the build's own migrations do not know of only adds to what it uses."""
    if state.oldest_build is None:
        return False
    return revisions.number_of(build) >= revisions.number_of(state.oldest_build)
