"""Every table of a service is declared as a record or as a projection, and every one declared is there."""

import pytest

from paykit.process.catalogue import load_service, schema_names
from tests.line import books

RUNTIME_TABLES = {
    "alembic_version",
    "schema_support",
    "outbox",
    "outbox_hold",
    "outbox_held",
    "outbox_position",
    "idempotency_claim",
    "outbox_format",
    "idempotency_key",
    "consumer_offset",
    "consumer_halt",
    "consumer_decision",
    "inbox",
    "dead_letter",
    "closed_dead_letter",
    "discarded_event",
    "parked_event",
    "skipped_event",
    "clock",
}
_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


@pytest.mark.parametrize("name", schema_names())
async def test_every_table_is_declared(admin_url: str, name: str) -> None:
    service = load_service(name)
    async with books.opened(admin_url) as kept:
        tables = {row["relname"] for row in await kept.rows(_TABLES, name)}
    assert tables == RUNTIME_TABLES | set(service.records) | set(service.projections)
    assert set(service.records).isdisjoint(service.projections)


_DEFAULTS_OF_NULLABLE = """
SELECT relname || '.' || attname AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    AND atthasdef AND attgenerated = '' AND NOT attnotnull
"""


@pytest.mark.parametrize("name", schema_names())
async def test_a_column_that_may_be_null_has_no_other_default(admin_url: str, name: str) -> None:
    """So that an insert whose rows all lack it may leave it out."""
    async with books.opened(admin_url) as kept:
        assert [row["name"] for row in await kept.rows(_DEFAULTS_OF_NULLABLE, name)] == []
