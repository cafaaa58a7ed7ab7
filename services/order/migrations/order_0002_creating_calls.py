"""The calls that orders were created by."""

from paykit.postgres import runtime_schema

revision = "order_0002"
down_revision = "order_0001"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("order")
