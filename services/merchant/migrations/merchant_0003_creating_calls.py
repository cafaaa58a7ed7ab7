"""The calls that merchants were created by."""

from paykit.postgres import runtime_schema

revision = "merchant_0003"
down_revision = "merchant_0002"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("merchant")
