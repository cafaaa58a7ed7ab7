"""The table `contact` of a service; its SQL is in `contact_table`."""

from alembic import op

from paykit.postgres import runtime_schema

_V1 = """
-- Where payers get receipts: personal, and nowhere else. No key leads to what it was given with, for that is inserted
-- in the same transaction and never deleted.
CREATE TABLE contact (
    subject_id text COLLATE "C" PRIMARY KEY,
    receipt_email text CHECK (length(receipt_email) BETWEEN 3 AND 254),
    locale text COLLATE "C" CHECK (length(locale) BETWEEN 2 AND 35),
    create_time timestamptz NOT NULL,
    erase_time timestamptz CHECK (erase_time >= create_time),
    erase_reason text CHECK (length(erase_reason) BETWEEN 1 AND 500),
    eraser text,
    CONSTRAINT contact_erased_for_a_reason CHECK ((erase_time IS NULL) = (erase_reason IS NULL)),
    CONSTRAINT contact_erased_is_gone CHECK (erase_time IS NULL OR receipt_email IS NULL)
);
"""


def create_v1() -> None:
    """Make the first version of the table in the schema being migrated; the service's role may not delete rows."""
    runtime_schema.run_script(_V1)
    op.execute(runtime_schema.revoke("contact", "DELETE"))
