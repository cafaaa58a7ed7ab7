"""Of each call to the bank, whether it was told that its outcome is overdue."""

from paykit.channels import attempt_schema

revision = "withdrawal_0007"
down_revision = "withdrawal_0006"
branch_labels = None


def upgrade() -> None:
    attempt_schema.upgrade_v3()
