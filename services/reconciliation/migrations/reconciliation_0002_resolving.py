"""Corrections that two people decide, the kinds of account that the ledger has, and what has not cleared on them."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "reconciliation_0002"
down_revision = "reconciliation_0001"
branch_labels = None

_TABLES = """
CREATE TABLE correction (
    correction_id text COLLATE "C" PRIMARY KEY CHECK (correction_id ~ '^crp_[0-9a-f]{32}$'),
    discrepancy_id text COLLATE "C" NOT NULL REFERENCES discrepancy,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('PROPOSED', 'APPROVED', 'BOOKED', 'REFUSED', 'EXPLAINED', 'REJECTED')),
    debit_account_kind text COLLATE "C",
    credit_account_kind text COLLATE "C" CHECK (credit_account_kind <> debit_account_kind),
    amount_minor bigint CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    proposer text NOT NULL,
    decider text,
    decision_reason text CHECK (length(decision_reason) <= 500),
    refusal text COLLATE "C",
    transaction_id text COLLATE "C",
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT correction_books_all_or_nothing CHECK (
        num_nulls(debit_account_kind, credit_account_kind, amount_minor) IN (0, 3)),
    CONSTRAINT correction_of_nothing_is_not_booked CHECK (
        (amount_minor IS NULL AND state NOT IN ('APPROVED', 'BOOKED', 'REFUSED'))
        OR (amount_minor IS NOT NULL AND state <> 'EXPLAINED')),
    CONSTRAINT correction_decided CHECK ((state = 'PROPOSED') = (decider IS NULL)),
    CONSTRAINT correction_four_eyes CHECK (decider IS NULL OR lower(btrim(decider)) <> lower(btrim(proposer))),
    CONSTRAINT correction_booked CHECK ((state = 'BOOKED') = (transaction_id IS NOT NULL)),
    CONSTRAINT correction_refused CHECK ((state = 'REFUSED') = (refusal IS NOT NULL))
);
-- One at a time.
CREATE UNIQUE INDEX correction_pending ON correction (discrepancy_id) WHERE state IN ('PROPOSED', 'APPROVED');
CREATE INDEX correction_of ON correction (discrepancy_id, create_time, correction_id);
CREATE INDEX correction_state ON correction (state, create_time, correction_id);
CREATE INDEX correction_time ON correction (create_time, correction_id);

-- As AccountCreated tells them: which chart the ledger is kept by shows in them.
CREATE TABLE ledger_account_kind (
    account_kind text COLLATE "C" PRIMARY KEY
);

-- A sum of 0 stays: what comes later, in whichever order, adds to the same row.
CREATE TABLE uncleared (
    account_kind text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    reference text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    amount_minor numeric(38, 0) NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (account_kind, merchant_id, currency_code, reference)
) WITH (fillfactor = 75);
-- All that is listed, the oldest first.
CREATE INDEX uncleared_left ON uncleared (since) WHERE amount_minor <> 0;
"""
_STATES = (
    ("PROPOSED", "APPROVED"),
    ("PROPOSED", "EXPLAINED"),
    ("PROPOSED", "REJECTED"),
    ("APPROVED", "BOOKED"),
    ("APPROVED", "REFUSED"),
)


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("correction", _STATES)
    op.execute(runtime_schema.revoke("correction", "DELETE"))
