"""Journals that two people decide, and periods that they close."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "accounting_0005"
down_revision = "accounting_0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE journal_proposal (
    proposal_id text COLLATE "C" PRIMARY KEY CHECK (proposal_id ~ '^jrp_[0-9a-f]{32}$'),
    state text COLLATE "C" NOT NULL CHECK (state IN ('PROPOSED', 'BOOKED', 'REJECTED')),
    transaction_type text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    legs jsonb NOT NULL,
    effective_at timestamptz,
    reverses_transaction_id text COLLATE "C",
    reason text NOT NULL,
    proposer text NOT NULL,
    decider text,
    decision_reason text,
    transaction_id text COLLATE "C",
    correlation_id text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT journal_proposal_decided CHECK (
        (state = 'PROPOSED') = (decider IS NULL) AND (state = 'BOOKED') = (transaction_id IS NOT NULL)),
    CONSTRAINT journal_proposal_four_eyes CHECK (decider IS NULL OR lower(btrim(decider)) <> lower(btrim(proposer)))
);
CREATE INDEX journal_proposal_time ON journal_proposal (create_time, proposal_id);
CREATE UNIQUE INDEX journal_proposal_transaction ON journal_proposal (transaction_id) WHERE transaction_id IS NOT NULL;

-- Closed through end_at, and with it.
CREATE TABLE period (
    period_id text COLLATE "C" PRIMARY KEY CHECK (period_id ~ '^per_[0-9a-f]{32}$'),
    end_at timestamptz NOT NULL UNIQUE,
    state text COLLATE "C" NOT NULL CHECK (state IN ('PROPOSED', 'CLOSED')),
    proposer text NOT NULL,
    closer text,
    reason text NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT period_closed CHECK ((state = 'CLOSED') = (closer IS NOT NULL)),
    CONSTRAINT period_four_eyes CHECK (closer IS NULL OR lower(btrim(closer)) <> lower(btrim(proposer)))
);

ALTER TABLE transaction ADD COLUMN occurred_at timestamptz CHECK (occurred_at < effective_at);
-- What one person booked alone within a day: a reason stands with what people book, and with nothing else.
CREATE INDEX transaction_manual ON transaction (create_time) WHERE reason IS NOT NULL;
"""

# A period may be closed between a booking's look at it and its entries: then the booking begins anew.
_BALANCED = """
CREATE OR REPLACE FUNCTION entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced text;
    closed_through timestamptz;
BEGIN
    SELECT transaction_id INTO unbalanced
    FROM inserted
    GROUP BY transaction_id, currency_code
    HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'debits and credits of % differ', unbalanced
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balanced';
    END IF;
    SELECT max(end_at) INTO closed_through FROM period WHERE state = 'CLOSED';
    IF closed_through IS NOT NULL AND EXISTS (SELECT FROM inserted WHERE effective_at <= closed_through) THEN
        RAISE EXCEPTION 'all up to % is closed', closed_through USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    op.execute(_BALANCED)
    runtime_schema.keep_creating_calls("journal_proposal")
    for table in ("journal_proposal", "period"):
        op.execute(runtime_schema.revoke(table, "DELETE", "TRUNCATE"))
    runtime_schema.guard_states("journal_proposal", [("PROPOSED", "BOOKED"), ("PROPOSED", "REJECTED")])
    runtime_schema.guard_states("period", [("PROPOSED", "CLOSED")])
