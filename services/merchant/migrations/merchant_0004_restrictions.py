"""What of a merchant's business is stopped, whatever its status is."""

from paykit.postgres import runtime_schema

revision = "merchant_0004"
down_revision = "merchant_0003"
branch_labels = None

_COLUMNS = """
ALTER TABLE merchant
    ADD COLUMN payout_hold boolean NOT NULL DEFAULT false,
    ADD COLUMN frozen boolean NOT NULL DEFAULT false,
    ADD COLUMN closing boolean NOT NULL DEFAULT false,
    ADD COLUMN restriction_reason text CHECK (char_length(restriction_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT restriction_has_reason CHECK (
        NOT (payout_hold OR frozen OR closing) OR restriction_reason IS NOT NULL)
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
