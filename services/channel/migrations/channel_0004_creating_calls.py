"""The calls that disputes were created by."""

from paykit.postgres import runtime_schema

revision = "channel_0004"
down_revision = "channel_0003"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("dispute")
