"""Disputes by stage, lost in part and decided anew; what callbacks tell of them, as it was when they were due."""

from paykit.postgres import runtime_schema

revision = "channel_0005"
down_revision = "channel_0004"
branch_labels = None
depends_on = None

_DISPUTE = """
ALTER TABLE dispute
    ADD COLUMN stage text COLLATE "C" NOT NULL DEFAULT 'CHARGEBACK'
        CHECK (stage IN ('INQUIRY', 'CHARGEBACK', 'PRE_ARBITRATION')),
    ADD COLUMN category text NOT NULL DEFAULT '',
    ADD COLUMN lose_minor bigint NOT NULL DEFAULT 0 CHECK (lose_minor >= 0),
    ADD COLUMN taken_minor bigint NOT NULL DEFAULT 0 CHECK (taken_minor >= 0),
    ADD COLUMN files text NOT NULL DEFAULT '',
    ALTER COLUMN line_date DROP NOT NULL,
    DROP CONSTRAINT dispute_won_was_contested,
    DROP CONSTRAINT dispute_won_has_a_line,
    ADD CONSTRAINT dispute_contested_was_contested CHECK (state <> 'CONTESTED' OR contested IS TRUE),
    ADD CONSTRAINT dispute_inquiry_takes_nothing CHECK (stage <> 'INQUIRY' OR taken_minor = 0);
UPDATE dispute SET taken_minor = amount_minor WHERE state <> 'WON';

ALTER TABLE later_line DROP CONSTRAINT later_line_operation_check;
ALTER TABLE later_line ADD CONSTRAINT later_line_operation_check CHECK (operation IN (
    'CAPTURE', 'CAPTURE_REVERSED', 'REFUND', 'REFUND_RETURNED', 'PAY', 'RETURN', 'DISPUTE', 'DISPUTE_REVERSED'));

ALTER TABLE callback
    ADD COLUMN dispute_stage text COLLATE "C",
    ADD COLUMN dispute_amount_minor bigint,
    ADD COLUMN occur_time timestamptz;
"""

_STATES = [
    *(("OPENED", state) for state in ("CONTESTED", "WON", "LOST")),
    *(("CONTESTED", state) for state in ("OPENED", "WON", "LOST")),
    *(("WON", state) for state in ("OPENED", "CONTESTED", "LOST")),
    *(("LOST", state) for state in ("OPENED", "CONTESTED", "WON")),
]


def upgrade() -> None:
    runtime_schema.run_script(_DISPUTE)
    runtime_schema.guard_states("dispute", _STATES)


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
