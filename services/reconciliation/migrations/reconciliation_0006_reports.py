"""Lines by day, for reports."""

from alembic import op

revision = "reconciliation_0006"
down_revision = "reconciliation_0005"
branch_labels = None


def upgrade() -> None:
    op.execute("CREATE INDEX statement_line_day ON statement_line (channel, line_date)")
