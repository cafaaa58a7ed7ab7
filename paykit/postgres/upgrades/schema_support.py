"""Which builds a schema takes: a row in every service's schema, kept by `paykit.process.upgrading`.

The oldest build that may run is that of the last migration which old code could not stand: those after it expand only.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paykit.postgres import runtime_schema

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

TABLE = "schema_support"
CREATE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    oldest_build text COLLATE "C",
    runtime_version integer NOT NULL CHECK (runtime_version >= 0)
)
"""
SELECT = f"""
SELECT version_num AS revision, oldest_build, coalesce(runtime_version, 0) AS runtime_version
FROM alembic_version LEFT JOIN {TABLE} ON true
"""

_PUT_BUILD = f"""
INSERT INTO {TABLE} (oldest_build, runtime_version) VALUES ($1, 0)
ON CONFLICT (one) DO UPDATE SET oldest_build = excluded.oldest_build
"""

_PUT_RUNTIME = f"""
INSERT INTO {TABLE} (runtime_version) VALUES ($1)
ON CONFLICT (one) DO UPDATE SET runtime_version = greatest({TABLE}.runtime_version, excluded.runtime_version)
"""


@dataclass(frozen=True, kw_only=True)
class SchemaState:
    """What a schema says of itself.

    Attributes:
        revision: Of its last migration.
        oldest_build: The oldest revision whose build may run on it; None where that was never recorded.
        runtime_version: Of the tables that every service has.
    """

    revision: str
    oldest_build: str | None
    runtime_version: int


def put_oldest_build(connection: "Connection", revision: str) -> None:
    """Record that builds older than this revision cannot run any more, in the schema that the search path names."""
    connection.exec_driver_sql(_PUT_BUILD, (revision,))


def put_runtime_version(connection: "Connection") -> None:
    """Record that the tables which every service has are as this build needs them."""
    connection.exec_driver_sql(_PUT_RUNTIME, (runtime_schema.version(),))
