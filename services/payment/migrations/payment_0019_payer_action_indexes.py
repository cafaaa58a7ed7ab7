"""What leads to payments whose payer did not act in time, and to all attempts to inquire about."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0019"
down_revision = "payment_0018"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index(
        "payment_action_expiring", "payment (action_expire_time) WHERE action_expire_time IS NOT NULL"
    )
    schema_changes.create_index(
        "attempt_inquired", "attempt (channel, due_time) WHERE state IN ('STARTED', 'UNKNOWN', 'ACTION_REQUIRED')"
    )
    # The new one leads to all that this one led to.
    schema_changes.drop_index("attempt_open")
