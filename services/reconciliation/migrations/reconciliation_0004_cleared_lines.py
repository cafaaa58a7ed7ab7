"""Lines that were followed in `uncleared`: a line told twice, under two events, is one."""

from paykit.postgres import runtime_schema

revision = "reconciliation_0004"
down_revision = "reconciliation_0003"
branch_labels = None

_TABLE = """
CREATE TABLE cleared_line (
    channel text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (channel, line_id)
);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLE)
