"""The index of a merchant's payments has the merchant as a hash, and no ids: two texts of ids were most of it."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0027"
down_revision = "payment_0026"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("payment_of_merchant", "payment (hashtextextended(merchant_id, 0), create_time)")
