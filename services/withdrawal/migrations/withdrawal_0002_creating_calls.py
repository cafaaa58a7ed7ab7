"""The calls that withdrawals and bank accounts were created by, and what merchants attach to withdrawals."""

from paykit.postgres import runtime_schema

revision = "withdrawal_0002"
down_revision = "withdrawal_0001"
branch_labels = None


def upgrade() -> None:
    runtime_schema.keep_creating_calls("withdrawal")
    runtime_schema.keep_creating_calls("bank_account")
    runtime_schema.keep_labels("withdrawal")
