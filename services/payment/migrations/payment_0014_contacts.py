"""Where payers get receipts."""

from paykit.contacts import contact_schema

revision = "payment_0014"
down_revision = "payment_0013"
branch_labels = None


def upgrade() -> None:
    contact_schema.create_v1()
