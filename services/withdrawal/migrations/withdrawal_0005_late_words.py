"""What the bank says after a payout has ended, listed until it is over; and what of payment keeps payouts back."""

from alembic import op

from paykit.contradictions import contradiction_schema
from paykit.postgres import runtime_schema

revision = "withdrawal_0005"
down_revision = "withdrawal_0004"
branch_labels = None

_TABLES = """
ALTER TABLE withdrawal
    ADD COLUMN returned_minor bigint,
    ADD COLUMN paid_late boolean NOT NULL DEFAULT false,
    ADD COLUMN bounced boolean NOT NULL DEFAULT false;
UPDATE withdrawal SET returned_minor = amount_minor WHERE state = 'RETURNED';
ALTER TABLE withdrawal
    ADD CONSTRAINT withdrawal_returned_is_part CHECK (returned_minor BETWEEN 0 AND amount_minor),
    ADD CONSTRAINT withdrawal_returned_has_amount CHECK (state <> 'RETURNED' OR returned_minor IS NOT NULL);

-- Contradictions about payments that need a decision, as payment tells of them.
CREATE TABLE open_contradiction (
    contradiction_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    resolved boolean NOT NULL
);
CREATE INDEX open_contradiction_unresolved ON open_contradiction (merchant_id, currency_code) WHERE NOT resolved;
"""
_CONTRADICTION_BLOCKS = """
-- Those that keep payouts back.
CREATE INDEX contradiction_blocks ON contradiction (merchant_id, currency_code) WHERE state IN ('OPEN', 'PROPOSED')
"""

# Closed under following one change by another, as a batch writes a withdrawal once.
_WITHDRAWAL_CHANGES = (
    ("CREATED", "HELD"),
    ("CREATED", "APPROVED"),
    ("CREATED", "FAILED"),
    ("HELD", "APPROVED"),
    ("HELD", "REJECTED"),
    ("HELD", "CANCELLED"),
    ("APPROVED", "CANCELLED"),
    ("APPROVED", "SUBMITTED"),
    ("APPROVED", "FAILED"),
    ("SUBMITTED", "UNKNOWN"),
    *(
        (before, after)
        for before in ("SUBMITTED", "UNKNOWN", "COMPLETED", "RETURNED", "FAILED", "CANCELLED")
        for after in ("COMPLETED", "RETURNED", "FAILED")
        if before != after
    ),
)


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("withdrawal", _WITHDRAWAL_CHANGES)
    contradiction_schema.create_v1("withdrawal")
    op.execute(_CONTRADICTION_BLOCKS)
