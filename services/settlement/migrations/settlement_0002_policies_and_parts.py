"""Policies of business days and months; settlements in parts, and before their days of delay are over."""

from paykit.postgres import runtime_schema

revision = "settlement_0002"
down_revision = "settlement_0001"
branch_labels = None
depends_on = None

_CHANGES = """
ALTER TABLE merchant
    ADD COLUMN cut_off_month_day smallint,
    ADD COLUMN business_days boolean NOT NULL DEFAULT false,
    ADD COLUMN calendar text COLLATE "C",
    ADD COLUMN reserve_base text COLLATE "C" NOT NULL DEFAULT 'NET';

-- What is full collects no more: the next item would have made its total too large, and began another one beside it.
ALTER TABLE settlement
    ADD COLUMN is_full boolean NOT NULL DEFAULT false,
    ADD COLUMN override_reason text COLLATE "C" CHECK (length(override_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT settlement_override CHECK (override_reason IS NULL OR trigger = 'REQUEST');
DROP INDEX settlement_open;
CREATE UNIQUE INDEX settlement_open ON settlement (merchant_id, currency_code, cut_off_at) NULLS NOT DISTINCT
    WHERE state = 'PENDING' AND NOT is_full
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
