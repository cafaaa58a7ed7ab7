"""The calls that settlements were created by."""

from paykit.postgres import runtime_schema

revision = "settlement_0003"
down_revision = "settlement_0002"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("settlement")
