"""Merchants' funds, what their terms say of refunds that those do not cover, and refunds that wait."""

from paykit.postgres import runtime_schema

revision = "payment_0008"
down_revision = "payment_0007"
branch_labels = None

_TABLES = """
ALTER TABLE merchant
    ADD COLUMN refund_policy text COLLATE "C" NOT NULL DEFAULT 'ALLOW',
    ADD COLUMN refund_limits jsonb NOT NULL DEFAULT '{}';

-- The balances of a merchant's settlement and available accounts together, as far as the ledger has told. Updates touch
-- no indexed column, so they are heap-only.
CREATE TABLE merchant_funds (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    funds_minor bigint NOT NULL,
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);

-- What refunds will take of funds, from when they are asked for until the ledger has booked them.
CREATE TABLE refund_hold (
    refund_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    needed_minor bigint NOT NULL CHECK (needed_minor >= 0)
);
CREATE INDEX refund_hold_merchant ON refund_hold (merchant_id, currency_code);

ALTER TABLE refund
    DROP CONSTRAINT refund_state_check,
    ADD CONSTRAINT refund_state_check CHECK (state IN ('QUEUED', 'CREATED', 'SUCCEEDED', 'FAILED', 'UNKNOWN'));
-- The refunds that wait for funds, oldest first.
CREATE INDEX refund_queued ON refund (merchant_id, currency_code, create_time, refund_id) WHERE state = 'QUEUED';
"""

# Closed under following one change by another, as a batch writes a refund once.
_ENDS = ("SUCCEEDED", "FAILED")
_STATES = [
    *(("QUEUED", state) for state in ("CREATED", "FAILED")),
    *(("CREATED", state) for state in ("UNKNOWN", *_ENDS)),
    *(("UNKNOWN", state) for state in _ENDS),
]


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("refund", _STATES)
