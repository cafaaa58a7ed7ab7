"""Lists of operators: disputes by the time to answer them, and payments by what channels call them."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0020"
down_revision = "payment_0019"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index(
        "dispute_respond_by", "dispute (respond_by, dispute_id) WHERE state = 'OPENED' AND respond_by IS NOT NULL"
    )
    schema_changes.drop_index("dispute_to_answer")  # The one above does what it did.
    # A row is in it from its outcome on, so that an attempt costs one entry, written with the outcome.
    schema_changes.create_index("attempt_reference", "attempt (channel_reference) WHERE channel_reference IS NOT NULL")
