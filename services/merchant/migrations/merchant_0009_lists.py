"""Lists of merchants in the order of their times, of all and of a state."""

from paykit.postgres.upgrades import schema_changes

revision = "merchant_0009"
down_revision = "merchant_0008"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("merchant_list", "merchant (create_time, merchant_id)")
    schema_changes.create_index("merchant_state", "merchant (status, create_time, merchant_id)")
    schema_changes.drop_index("merchant_status")  # The one above leads to all that this one led to.
