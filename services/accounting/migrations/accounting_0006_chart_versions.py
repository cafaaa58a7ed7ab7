"""The chart that a ledger is kept by, with the text of each version."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "accounting_0006"
down_revision = "accounting_0005"
branch_labels = None
depends_on = None

# The newest is the one in use. What a ledger of an older version was kept by follows at the next start.
_CHARTS = """
CREATE TABLE chart_version (
    version smallint PRIMARY KEY CHECK (version > 0),
    chart_name text COLLATE "C" NOT NULL,
    content_hash text COLLATE "C" NOT NULL UNIQUE CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    content text NOT NULL,
    create_time timestamptz NOT NULL
);
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHARTS)
    op.execute(runtime_schema.revoke("chart_version", "UPDATE", "DELETE", "TRUNCATE"))
