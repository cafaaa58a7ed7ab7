"""Discrepancies."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "reconciliation_0001"
down_revision = None
branch_labels = None

_TABLES = """
CREATE TABLE discrepancy (
    discrepancy_id text COLLATE "C" PRIMARY KEY CHECK (discrepancy_id ~ '^dis_[0-9a-f]{32}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('AMOUNT_MISMATCH', 'CURRENCY_MISMATCH', 'FEE_MISMATCH', 'DUPLICATE',
        'MISSING_INTERNAL', 'MISSING_CHANNEL', 'CONTRADICTED')),
    state text COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'RESOLVED')),
    channel text COLLATE "C" NOT NULL,
    statement_id text COLLATE "C",
    line_id text COLLATE "C",
    transaction_id text COLLATE "C",
    attempt_id text COLLATE "C",
    related_no text COLLATE "C",
    root_reference text COLLATE "C",
    channel_reference text COLLATE "C",
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    expected_minor bigint,
    reported_minor bigint,
    reported_currency_code text COLLATE "C",
    expected_fee_minor bigint,
    reported_fee_minor bigint,
    contradiction_id text COLLATE "C",
    value_date text COLLATE "C",
    operation text COLLATE "C", -- Of the line, or of the transaction where no line is.
    carried_out boolean NOT NULL,
    merchant_id text COLLATE "C",
    correlation_id text COLLATE "C" NOT NULL,
    resolution text COLLATE "C",
    reason text,
    proposer text,
    approver text,
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 1),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT discrepancy_contradicts CHECK (contradiction_id IS NULL OR kind = 'CONTRADICTED'),
    CONSTRAINT discrepancy_resolved CHECK ((state = 'RESOLVED') = (resolution IS NOT NULL)),
    CONSTRAINT discrepancy_four_eyes CHECK (approver IS NULL OR lower(btrim(approver)) <> lower(btrim(proposer)))
);
-- ListDiscrepancies, by each of its scopes; other filters are applied while it is walked.
CREATE INDEX discrepancy_time ON discrepancy (create_time, discrepancy_id);
CREATE INDEX discrepancy_kind ON discrepancy (kind, create_time, discrepancy_id);
CREATE INDEX discrepancy_state ON discrepancy (state, create_time, discrepancy_id);
CREATE INDEX discrepancy_channel ON discrepancy (channel, create_time, discrepancy_id);
CREATE INDEX discrepancy_statement ON discrepancy (statement_id, create_time, discrepancy_id);
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("discrepancy", [("OPEN", "RESOLVED")])
    op.execute(runtime_schema.revoke("discrepancy", "DELETE"))
