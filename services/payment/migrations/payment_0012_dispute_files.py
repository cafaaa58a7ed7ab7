"""Files that speak for merchants in disputes."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0012"
down_revision = "payment_0011"
branch_labels = None

_TABLE = """
CREATE TABLE dispute_file (
    file_id text COLLATE "C" PRIMARY KEY,
    dispute_id text COLLATE "C" NOT NULL REFERENCES dispute,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    media_type text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 524288),
    content_hash text COLLATE "C" NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    content bytea NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT dispute_file_is_as_large_as_said CHECK (length(content) = size_bytes)
);
CREATE INDEX dispute_file_dispute ON dispute_file (dispute_id, file_id);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLE)
    op.execute(runtime_schema.revoke("dispute_file", "UPDATE", "DELETE"))
