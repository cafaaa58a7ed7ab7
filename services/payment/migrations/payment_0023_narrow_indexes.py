"""Narrower indexes of attempts: by what a channel calls them, and of a payment."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0023"
down_revision = "payment_0022"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    # References are long, come in no order and are looked for as a whole only: their hashes take half the room.
    schema_changes.create_index(
        "attempt_called", "attempt USING hash (channel_reference) WHERE channel_reference IS NOT NULL"
    )
    schema_changes.drop_index("attempt_reference")
    # A payment has few attempts: to sort what is shown of them costs less than their ids in the index of all.
    schema_changes.create_index("attempt_of_payment", "attempt (payment_id)")
    schema_changes.drop_index("attempt_payment")
