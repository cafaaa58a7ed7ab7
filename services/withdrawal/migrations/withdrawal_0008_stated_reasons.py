"""Why withdrawals and proposals were rejected or called off, and bank accounts disabled."""

from paykit.contradictions import contradiction_schema
from paykit.reasons import stated_reason_schema

revision = "withdrawal_0008"
down_revision = "withdrawal_0007"
branch_labels = None
expands = True


def upgrade() -> None:
    for table in ("withdrawal", "bank_account"):
        stated_reason_schema.add_v1(table)
    contradiction_schema.upgrade_v2()
