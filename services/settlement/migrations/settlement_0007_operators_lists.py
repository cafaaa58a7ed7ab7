"""A list of operators: settlements by state."""

from paykit.postgres.upgrades import schema_changes

revision = "settlement_0007"
down_revision = "settlement_0006"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("settlement_state", "settlement (state, create_time, settlement_id)")
