"""Where payers of orders get receipts, and in which language."""

from paykit.contacts import contact_schema
from paykit.postgres import runtime_schema

revision = "order_0004"
down_revision = "order_0003"
branch_labels = None

_CHANGES = """
ALTER TABLE "order" ADD COLUMN locale text COLLATE "C" CHECK (length(locale) BETWEEN 2 AND 35)
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
    contact_schema.create_v1()
