"""Months of the journal that were archived: what was carried forward, and which pairs were booked in them.

Builds of before would count without what was carried, and so they do not start on this schema: docs/adr/0051.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "accounting_0009"
down_revision = "accounting_0008"
branch_labels = None
depends_on = None
contracts = "the journal as all that balances are the sum of: older builds would leave out what was carried forward"

# Widest columns first, for there is a row of archived_transaction for each transaction that is archived.
_TABLES = """
CREATE TABLE archived_month (
    month smallint PRIMARY KEY CHECK (month >= 24000),
    transactions bigint NOT NULL CHECK (transactions > 0),
    kept bigint NOT NULL CHECK (kept >= 0),
    manifest_hash text COLLATE "C" NOT NULL CHECK (manifest_hash ~ '^[0-9a-f]{64}$'),
    archiver text NOT NULL,
    archive_time timestamptz NOT NULL
);

CREATE TABLE carried (
    account_no integer NOT NULL,
    month smallint NOT NULL,
    type_no smallint NOT NULL,
    transactions bigint NOT NULL CHECK (transactions > 0),
    moving bigint NOT NULL CHECK (moving BETWEEN 0 AND transactions),
    debit_minor numeric(38, 0) NOT NULL CHECK (debit_minor >= 0),
    credit_minor numeric(38, 0) NOT NULL CHECK (credit_minor >= 0),
    digest numeric(38, 0) NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (account_no, month, type_no)
);

CREATE TABLE archived_transaction (
    transaction_id uuid NOT NULL,
    digest bigint NOT NULL,
    month smallint NOT NULL,
    former boolean NOT NULL,
    PRIMARY KEY (transaction_id)
);
"""

# As in accounting_0008, and a pair of an archived month is not booked again by one who looked before it was archived:
# the booking begins anew, and finds it.
_OPEN_BOOKS = """
CREATE OR REPLACE FUNCTION journal_in_open_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed_through timestamptz;
BEGIN
    SELECT max(end_at) INTO closed_through FROM period WHERE state = 'CLOSED';
    IF closed_through IS NOT NULL AND EXISTS (
        SELECT FROM inserted WHERE effective_at <= closed_through AND NOT EXISTS (
            SELECT FROM former_transaction f
            WHERE f.transaction_id = 'txn_' || id_digits(coalesce(inserted.former_id, inserted.transaction_id))
                AND f.effective_at = inserted.effective_at))
    THEN
        RAISE EXCEPTION 'all up to % is closed', closed_through USING ERRCODE = 'serialization_failure';
    END IF;
    IF EXISTS (
        SELECT FROM inserted JOIN archived_month m ON m.month = inserted.month
        WHERE EXISTS (SELECT FROM archived_transaction a WHERE a.transaction_id = inserted.transaction_id))
    THEN
        RAISE EXCEPTION 'it is booked, and archived' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    op.execute(_OPEN_BOOKS)
    for table in ("archived_month", "carried", "archived_transaction"):
        op.execute(runtime_schema.revoke(table, "INSERT", "UPDATE", "DELETE", "TRUNCATE"))
