"""What becomes of refunds that a merchant's funds do not cover."""

from paykit.postgres import runtime_schema

revision = "merchant_0005"
down_revision = "merchant_0004"
branch_labels = None

_CHANGES = """
ALTER TABLE merchant
    ADD COLUMN refund_policy text COLLATE "C" NOT NULL DEFAULT 'ALLOW'
        CHECK (refund_policy IN ('ALLOW', 'QUEUE', 'REFUSE')),
    ADD COLUMN refund_limits jsonb NOT NULL DEFAULT '{}'
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
