"""The index of a merchant's payments has the merchant as a hash, and no ids: three ids' texts were most of it."""

from paykit.postgres.lists.walk import hash_of
from paykit.postgres.upgrades import schema_changes

revision = "payment_0027"
down_revision = "payment_0026"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("payment_of_merchant", f"payment ({hash_of('merchant_id')}, create_time)")
