"""Disputes, what channels said of them, and the answers that channels are to be told."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0003"
down_revision = "payment_0002"
branch_labels = None

# due_time and response_tries belong to telling the channel: real time, for leases and retries.
_TABLES = """
CREATE TABLE dispute (
    dispute_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL REFERENCES payment,
    merchant_id text COLLATE "C" NOT NULL,
    attempt_id text COLLATE "C" NOT NULL REFERENCES attempt,
    channel text COLLATE "C" NOT NULL,
    dispute_reference text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    reason text COLLATE "C" NOT NULL,
    respond_by timestamptz,
    state text COLLATE "C" NOT NULL CHECK (state IN ('OPENED', 'CONTESTED', 'WON', 'LOST')),
    accepted boolean NOT NULL,
    contradicted boolean NOT NULL,
    evidence text CHECK (length(evidence) BETWEEN 1 AND 2000),
    response_state text COLLATE "C" CHECK (response_state IN ('PENDING', 'TOLD', 'REFUSED')),
    due_time timestamptz,
    response_tries bigint NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT dispute_reference_key UNIQUE (channel, dispute_reference),
    CONSTRAINT dispute_accepted_is_lost CHECK (NOT accepted OR state = 'LOST'),
    CONSTRAINT dispute_contested_has_evidence CHECK (state <> 'CONTESTED' OR evidence IS NOT NULL),
    CONSTRAINT dispute_answer_is_one_of_two CHECK ((response_state IS NOT NULL) = (accepted OR evidence IS NOT NULL)),
    CONSTRAINT dispute_accepted_is_not_contested CHECK (NOT accepted OR evidence IS NULL),
    CONSTRAINT dispute_contradicted_is_decided CHECK (NOT contradicted OR state IN ('WON', 'LOST')),
    CONSTRAINT dispute_pending_is_due CHECK ((coalesce(response_state, '') = 'PENDING') = (due_time IS NOT NULL))
);
-- ListDisputes of a merchant, and of a payment; there are few disputes, so indexes cost little.
CREATE INDEX dispute_list ON dispute (merchant_id, create_time, dispute_id);
CREATE INDEX dispute_payment ON dispute (payment_id, create_time, dispute_id);
-- The answers that a channel is to be told.
CREATE INDEX dispute_due ON dispute (channel, due_time) WHERE due_time IS NOT NULL;

-- What channels said. Told again: the same row, so that duplicates of a callback leave no trace.
CREATE TABLE dispute_report (
    dispute_id text COLLATE "C" NOT NULL REFERENCES dispute,
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('OPENED', 'WON', 'LOST')),
    contradicts boolean NOT NULL,
    record_time timestamptz NOT NULL,
    PRIMARY KEY (dispute_id, outcome)
);
"""

# Closed under following one change by another, as a batch writes a dispute once.
_STATES = [
    *(("OPENED", state) for state in ("CONTESTED", "WON", "LOST")),
    *(("CONTESTED", state) for state in ("WON", "LOST")),
]


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("dispute", _STATES)
    op.execute(runtime_schema.revoke("dispute", "DELETE"))
    op.execute(runtime_schema.revoke("dispute_report", "UPDATE", "DELETE"))
