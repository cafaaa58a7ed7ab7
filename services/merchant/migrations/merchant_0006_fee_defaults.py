"""What currencies without a rule cost, and what disputes cost."""

from paykit.postgres import runtime_schema

revision = "merchant_0006"
down_revision = "merchant_0005"
branch_labels = None

_COLUMNS = """
ALTER TABLE fee_plan
    ADD COLUMN default_basis_points bigint CHECK (default_basis_points BETWEEN 0 AND 10000),
    ADD COLUMN free boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT free_or_default CHECK (NOT free OR default_basis_points IS NULL);
ALTER TABLE fee_rule
    ADD COLUMN dispute_fee_minor bigint NOT NULL DEFAULT 0 CHECK (dispute_fee_minor BETWEEN 0 AND 9007199254740991)
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
