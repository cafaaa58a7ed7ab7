"""A list of operators: withdrawals that wait for a decision."""

from paykit.postgres.upgrades import schema_changes

revision = "withdrawal_0009"
down_revision = "withdrawal_0008"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("withdrawal_held", "withdrawal (create_time, withdrawal_id) WHERE state = 'HELD'")
