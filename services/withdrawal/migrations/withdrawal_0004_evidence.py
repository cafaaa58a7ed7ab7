"""What the bank says later, over whichever amount, and what it says of payouts that nobody asked for."""

from paykit.channels import attempt_schema
from paykit.postgres import runtime_schema

revision = "withdrawal_0004"
down_revision = "withdrawal_0003"
branch_labels = None

# One that was never sent has failed for that; its bank may have paid it all the same.
_ATTEMPT = """
ALTER TABLE attempt
    DROP CONSTRAINT attempt_started_once,
    ADD CONSTRAINT attempt_started_once CHECK (CASE
        WHEN state = 'PENDING' THEN start_time IS NULL
        WHEN state = 'FAILED' OR contradicted THEN true
        ELSE start_time IS NOT NULL END);
"""


def upgrade() -> None:
    attempt_schema.upgrade_v2(
        (
            *(("PENDING", state) for state in ("STARTED", "FAILED")),
            *(("STARTED", state) for state in ("SUCCEEDED", "FAILED", "UNKNOWN")),
            *(("UNKNOWN", state) for state in ("SUCCEEDED", "FAILED")),
        )
    )
    runtime_schema.run_script(_ATTEMPT)
