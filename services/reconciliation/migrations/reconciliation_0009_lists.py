"""Lists of statements of a channel, in the order of their times."""

from paykit.postgres.upgrades import schema_changes

revision = "reconciliation_0009"
down_revision = "reconciliation_0008"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("statement_channel", "statement (channel, create_time, statement_id)")
