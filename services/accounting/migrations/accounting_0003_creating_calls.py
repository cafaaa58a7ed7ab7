"""The calls that transactions were created by."""

from paykit.postgres import runtime_schema

revision = "accounting_0003"
down_revision = "accounting_0002"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("transaction")
