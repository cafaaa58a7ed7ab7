"""Statement files."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "reconciliation_0005"
down_revision = "reconciliation_0004"
branch_labels = None

_TABLES = """
CREATE TABLE statement_file (
    file_id text COLLATE "C" PRIMARY KEY CHECK (file_id ~ '^stf_[0-9a-f]{32}$'),
    channel text COLLATE "C" NOT NULL,
    format text COLLATE "C" NOT NULL CHECK (format IN ('CSV', 'CAMT053', 'MT940')),
    file_name text NOT NULL CHECK (length(file_name) <= 200),
    content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 1),
    line_count bigint NOT NULL CHECK (line_count >= 0),
    known_line_count bigint NOT NULL CHECK (known_line_count BETWEEN 0 AND line_count),
    actor text,
    create_time timestamptz NOT NULL,
    CONSTRAINT statement_file_once UNIQUE (channel, content_sha256)
);

ALTER TABLE statement
    ADD COLUMN file_id text COLLATE "C" REFERENCES statement_file,
    ADD COLUMN section bigint CHECK (section >= 0),
    ADD COLUMN account_last_four text CHECK (length(account_last_four) <= 4),
    ADD CONSTRAINT statement_of_its_file CHECK (file_id IS NULL OR (section IS NOT NULL AND source = 'FILE'));
CREATE UNIQUE INDEX statement_in_file ON statement (file_id, section) WHERE file_id IS NOT NULL;

ALTER TABLE statement_line ADD COLUMN file_line_no bigint CHECK (file_line_no >= 0);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    op.execute(runtime_schema.revoke("statement_file", "UPDATE", "DELETE"))
