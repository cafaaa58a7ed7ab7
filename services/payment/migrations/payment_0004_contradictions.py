"""What channels said against what is recorded."""

from paykit.contradictions import contradiction_schema

revision = "payment_0004"
down_revision = "payment_0003"
branch_labels = None


def upgrade() -> None:
    contradiction_schema.create_v1("payment")
