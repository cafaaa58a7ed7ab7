"""What currencies without a rule of their own cost."""

from paykit.postgres import runtime_schema

revision = "payment_0010"
down_revision = "payment_0009"
branch_labels = None

_COLUMNS = """
ALTER TABLE merchant
    ADD COLUMN default_basis_points bigint CHECK (default_basis_points BETWEEN 0 AND 10000),
    ADD COLUMN fee_free boolean NOT NULL DEFAULT false
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
