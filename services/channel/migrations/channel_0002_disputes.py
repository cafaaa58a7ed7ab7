"""Disputes of captures, payouts that come back, and callbacks that tell of them."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "channel_0002"
down_revision = "channel_0001"
branch_labels = None
depends_on = None

_DISPUTE = """
CREATE TABLE dispute (
    dispute_reference text COLLATE "C" PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL REFERENCES channel_transaction,
    authorization_reference text COLLATE "C" NOT NULL REFERENCES card_authorization,
    merchant_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    related_no text COLLATE "C",
    reason text COLLATE "C" NOT NULL,
    contest_loses boolean NOT NULL,
    respond_by timestamptz NOT NULL,
    callback_address text NOT NULL,
    correlation_id text NOT NULL,
    line_date text COLLATE "C" NOT NULL CHECK (line_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    due_time timestamptz,
    state text COLLATE "C" NOT NULL CHECK (state IN ('OPENED', 'CONTESTED', 'WON', 'LOST')),
    contested boolean,
    evidence text NOT NULL,
    reversal_date text COLLATE "C" CHECK (reversal_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    version bigint NOT NULL CHECK (version >= 1),
    CONSTRAINT dispute_open_is_due CHECK ((state IN ('OPENED', 'CONTESTED')) = (due_time IS NOT NULL)),
    CONSTRAINT dispute_opened_is_not_answered CHECK (state <> 'OPENED' OR contested IS NULL),
    CONSTRAINT dispute_won_was_contested CHECK (state NOT IN ('CONTESTED', 'WON') OR contested IS TRUE),
    CONSTRAINT dispute_won_has_a_line CHECK ((state = 'WON') = (reversal_date IS NOT NULL))
);
CREATE INDEX dispute_due ON dispute (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX dispute_line ON dispute (line_date);
CREATE INDEX dispute_reversal ON dispute (reversal_date) WHERE reversal_date IS NOT NULL;

-- What is still to happen to money that has moved; a row goes when it has happened.
CREATE TABLE sequel (
    attempt_id text COLLATE "C" PRIMARY KEY,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('RETURN', 'DISPUTE_WON', 'DISPUTE_LOST')),
    due_time timestamptz NOT NULL
);
CREATE INDEX sequel_due ON sequel (due_time);

ALTER TABLE channel_transaction ADD COLUMN return_time timestamptz;
ALTER TABLE channel_transaction ADD CONSTRAINT what_returns_was_paid_out CHECK (
    return_time IS NULL OR (action = 'PAY' AND outcome = 'APPROVED'));
CREATE INDEX channel_transaction_return ON channel_transaction (return_time) WHERE return_time IS NOT NULL;

ALTER TABLE card_authorization ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0);
ALTER TABLE card_authorization ADD CONSTRAINT what_went_was_captured CHECK (
    refunded_minor + disputed_minor <= captured_minor);

ALTER TABLE callback ADD COLUMN report text COLLATE "C" NOT NULL DEFAULT 'RESULT'
    CHECK (report IN ('RESULT', 'RETURN', 'DISPUTE_OPENED', 'DISPUTE_WON', 'DISPUTE_LOST'));
ALTER TABLE callback ADD COLUMN dispute_reference text COLLATE "C";
ALTER TABLE callback ADD CONSTRAINT callback_of_a_dispute CHECK (
    (report LIKE 'DISPUTE%') = (dispute_reference IS NOT NULL));

ALTER TABLE statement ADD COLUMN disputed_minor numeric(38) NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN returned_minor numeric(38) NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    runtime_schema.run_script(_DISPUTE)
    runtime_schema.guard_states(
        "dispute",
        [("OPENED", "CONTESTED"), ("OPENED", "LOST"), ("CONTESTED", "WON"), ("CONTESTED", "LOST")],
    )
    op.execute(runtime_schema.revoke("dispute", "DELETE"))


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
