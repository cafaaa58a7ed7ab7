"""Payouts that are stopped or called off before they are sent, and what the ledger did to settlement accounts."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "withdrawal_0003"
down_revision = "withdrawal_0002"
branch_labels = None

_TABLES = """
-- No day of a zone is a limit's any more.
ALTER TABLE merchant DROP COLUMN time_zone, ADD COLUMN payout_hold boolean NOT NULL DEFAULT false;

-- The balance of each merchant's settlement account, as the ledger tells of it: below 0, it is owed out of what is
-- available.
CREATE TABLE settlement_balance (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    balance_minor numeric(38, 0) NOT NULL,
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);

ALTER TABLE withdrawal
    ADD COLUMN taken_minor bigint,
    DROP CONSTRAINT withdrawal_state_check,
    DROP CONSTRAINT withdrawal_decided_by_somebody,
    ADD CONSTRAINT withdrawal_state_check CHECK (state IN ('CREATED', 'HELD', 'APPROVED', 'SUBMITTED', 'COMPLETED',
        'RETURNED', 'FAILED', 'UNKNOWN', 'REJECTED', 'CANCELLED')),
    -- Who calls a withdrawal off need not be another: nothing leaves.
    ADD CONSTRAINT withdrawal_decided_by_somebody CHECK (CASE
        WHEN NOT approval_required THEN decider IS NULL AND state NOT IN ('HELD', 'REJECTED')
        WHEN state IN ('CREATED', 'HELD') THEN decider IS NULL
        WHEN state = 'FAILED' THEN (decider IS NOT NULL) = funds_held
        WHEN state = 'CANCELLED' THEN true
        ELSE decider IS NOT NULL END);
-- The sums of the allowances are not touched: they are these amounts already.
UPDATE withdrawal SET taken_minor = CASE WHEN state IN ('REJECTED', 'FAILED', 'RETURNED') THEN 0 ELSE amount_minor END;
ALTER TABLE withdrawal
    ALTER COLUMN taken_minor SET NOT NULL,
    ADD CONSTRAINT withdrawal_unpaid_takes_nothing CHECK (CASE
        WHEN state IN ('REJECTED', 'CANCELLED', 'FAILED') THEN taken_minor = 0
        WHEN state = 'RETURNED' THEN taken_minor >= 0
        ELSE taken_minor >= amount_minor END);
-- Those that wait to be sent, whoever they are of.
CREATE INDEX withdrawal_approved ON withdrawal (create_time, withdrawal_id) WHERE state = 'APPROVED';

-- An attempt can end without having been sent.
ALTER TABLE attempt
    DROP CONSTRAINT attempt_started_once,
    DROP CONSTRAINT attempt_failure_reason_check,
    ADD CONSTRAINT attempt_started_once CHECK (CASE
        WHEN state = 'PENDING' THEN start_time IS NULL WHEN state = 'FAILED' THEN true ELSE start_time IS NOT NULL END),
    ADD CONSTRAINT attempt_failure_reason_check CHECK (
        failure_reason IN ('BANK_REJECTED', 'NOT_RECEIVED', 'CANCELLED', 'BANK_ACCOUNT_DISABLED'));
"""

_WITHDRAWAL_CHANGES = (
    ("CREATED", "HELD"),
    ("CREATED", "APPROVED"),  # Held and, as nobody has to decide, approved in one step.
    ("CREATED", "FAILED"),
    ("HELD", "APPROVED"),
    ("HELD", "REJECTED"),
    ("HELD", "CANCELLED"),
    ("APPROVED", "CANCELLED"),
    ("APPROVED", "SUBMITTED"),
    ("APPROVED", "FAILED"),  # Never sent: its bank account is not to be used any more.
    ("SUBMITTED", "COMPLETED"),
    ("SUBMITTED", "RETURNED"),  # The bank's first word can be that it has paid and got the money back.
    ("SUBMITTED", "FAILED"),
    ("SUBMITTED", "UNKNOWN"),
    ("UNKNOWN", "COMPLETED"),
    ("UNKNOWN", "RETURNED"),
    ("UNKNOWN", "FAILED"),
    ("COMPLETED", "RETURNED"),
)
_ATTEMPT_CHANGES = (
    ("PENDING", "STARTED"),
    ("PENDING", "FAILED"),
    ("STARTED", "SUCCEEDED"),
    ("STARTED", "FAILED"),
    ("STARTED", "UNKNOWN"),
    ("UNKNOWN", "SUCCEEDED"),
    ("UNKNOWN", "FAILED"),
)


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("withdrawal", _WITHDRAWAL_CHANGES)
    runtime_schema.guard_states("attempt", _ATTEMPT_CHANGES)
    op.execute(runtime_schema.revoke("settlement_balance", "DELETE"))
