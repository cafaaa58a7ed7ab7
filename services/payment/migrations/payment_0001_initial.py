"""Payments, refunds, attempts and evidence; what payment knows of merchants.

No foreign keys lead to `payment` from `attempt`, nor to a table of currencies: each would cost the hot insert a trigger
per row, and the second would have every transaction lock the same few rows. The domain checks both.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0001"
down_revision = None
branch_labels = None

_TABLES = """
CREATE TABLE payment (
    payment_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    merchant_reference text COLLATE "C" NOT NULL,
    order_id text COLLATE "C",
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    method text COLLATE "C" NOT NULL CHECK (method IN ('CARD', 'BANK_TRANSFER', 'WALLET')),
    method_token text NOT NULL,
    metadata text NOT NULL, -- JSON of an object of strings: handed on, never looked into.
    channel text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('CREATED', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'UNKNOWN')),
    captured_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    refunding_minor bigint NOT NULL DEFAULT 0,
    disputed_minor bigint NOT NULL DEFAULT 0,
    fee_minor bigint NOT NULL DEFAULT 0,
    fee_returned_minor bigint NOT NULL DEFAULT 0,
    fee_returning_minor bigint NOT NULL DEFAULT 0,
    fee_plan_version bigint CHECK (fee_plan_version >= 1),
    refund_fee_returned boolean NOT NULL DEFAULT false,
    capture_id text COLLATE "C",
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 1),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT payment_merchant_reference_key UNIQUE (merchant_id, merchant_reference),
    CONSTRAINT payment_captured_is_succeeded CHECK ((state = 'SUCCEEDED') = (captured_minor > 0)),
    CONSTRAINT payment_captured_has_terms CHECK (
        (captured_minor > 0) = (capture_id IS NOT NULL AND fee_plan_version IS NOT NULL)),
    CONSTRAINT payment_captured_within_amount CHECK (captured_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT payment_spent_within_captured CHECK (
        least(refunded_minor, refunding_minor, disputed_minor) >= 0
        AND refunded_minor + refunding_minor + disputed_minor <= captured_minor),
    CONSTRAINT payment_fee_within_captured CHECK (fee_minor BETWEEN 0 AND captured_minor),
    CONSTRAINT payment_fee_given_within_fee CHECK (
        least(fee_returned_minor, fee_returning_minor) >= 0 AND fee_returned_minor + fee_returning_minor <= fee_minor),
    CONSTRAINT payment_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL))
) WITH (fillfactor = 75);
-- Updates touch no indexed column, so with room on the page they are heap-only: the indexes cost the insert alone.
-- This one serves ListPayments, whose filters beyond merchant and time are applied while it is walked.
CREATE INDEX payment_list ON payment (merchant_id, create_time, payment_id);

CREATE TABLE refund (
    refund_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL REFERENCES payment,
    merchant_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    reason text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('CREATED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    fee_returned_minor bigint NOT NULL CHECK (fee_returned_minor >= 0),
    capture_id text COLLATE "C",
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT refund_of_a_capture CHECK ((reason = 'CONTRADICTION') = (capture_id IS NULL)),
    CONSTRAINT refund_succeeded_has_reference CHECK (state <> 'SUCCEEDED' OR channel_reference IS NOT NULL),
    CONSTRAINT refund_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL))
) WITH (fillfactor = 75);
-- ListRefunds of a merchant, and of a payment; there are few refunds, so two indexes cost little.
CREATE INDEX refund_list ON refund (merchant_id, create_time, refund_id);
CREATE INDEX refund_payment ON refund (payment_id, create_time, refund_id);

-- due_time and start_time are real time, for leases and retries, and so may come from the database's clock.
CREATE TABLE attempt (
    attempt_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL,
    refund_id text COLLATE "C" REFERENCES refund,
    action text COLLATE "C" NOT NULL CHECK (action IN ('CHARGE', 'REFUND')),
    channel text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'STARTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    original_reference text COLLATE "C",
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    inquiry_count bigint NOT NULL DEFAULT 0,
    contradicted boolean NOT NULL DEFAULT false,
    traceparent text COLLATE "C",
    due_time timestamptz NOT NULL DEFAULT now(),
    start_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT attempt_refund_of_original CHECK (
        (action = 'REFUND') = (refund_id IS NOT NULL) AND (action = 'REFUND') = (original_reference IS NOT NULL)),
    CONSTRAINT attempt_started_once CHECK ((state = 'PENDING') = (start_time IS NULL)),
    CONSTRAINT attempt_succeeded_has_reference CHECK (state <> 'SUCCEEDED' OR channel_reference IS NOT NULL),
    CONSTRAINT attempt_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL))
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- The queue of attempts to send: a row is in it until it is claimed.
CREATE INDEX attempt_pending ON attempt (due_time) WHERE state = 'PENDING';
-- The attempts to inquire about once their lease or their pause ends.
CREATE INDEX attempt_open ON attempt (due_time) WHERE state IN ('STARTED', 'UNKNOWN');
-- The attempts that GetPayment shows.
CREATE INDEX attempt_payment ON attempt (payment_id, attempt_id);

-- What was told of an attempt beyond the plain answer to its call, which stands in the attempt itself. Told again: the
-- same row, so that duplicates of a callback leave no trace.
CREATE TABLE evidence (
    evidence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL REFERENCES attempt,
    source text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('SUCCEEDED', 'FAILED', 'NOT_FOUND')),
    verdict text COLLATE "C" NOT NULL CHECK (verdict IN ('SUCCEED', 'FAIL', 'CONFIRM', 'CONTRADICT')),
    channel_reference text COLLATE "C",
    failure_code text,
    record_time timestamptz NOT NULL,
    CONSTRAINT evidence_key UNIQUE NULLS NOT DISTINCT (attempt_id, source, outcome, channel_reference, failure_code)
);

CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL,
    fee_plan_version bigint NOT NULL CHECK (fee_plan_version >= 1),
    refund_fee_returned boolean NOT NULL,
    aggregate_version bigint NOT NULL
);

-- The fee plan in force; a currency without a row costs no fee.
CREATE TABLE merchant_fee (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchant,
    currency_code text COLLATE "C" NOT NULL,
    basis_points bigint NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
    fixed_minor bigint NOT NULL CHECK (fixed_minor >= 0),
    PRIMARY KEY (merchant_id, currency_code)
);
"""

_STAYS_ENDED = """
CREATE FUNCTION refuse_leaving_the_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is % and cannot become %', TG_TABLE_NAME, OLD.state, NEW.state
        USING ERRCODE = 'check_violation';
END
$$
"""

# Behind the domain's transitions: whatever has ended stays as it ended, whoever writes the row.
_TRIGGERS = """
CREATE TRIGGER payment_stays_ended BEFORE UPDATE ON payment FOR EACH ROW
    WHEN (OLD.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION refuse_leaving_the_end();
CREATE TRIGGER refund_stays_ended BEFORE UPDATE ON refund FOR EACH ROW
    WHEN (OLD.state IN ('SUCCEEDED', 'FAILED') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION refuse_leaving_the_end();
CREATE TRIGGER attempt_stays_ended BEFORE UPDATE ON attempt FOR EACH ROW
    WHEN (OLD.state IN ('SUCCEEDED', 'FAILED') AND NEW.state <> OLD.state
        OR OLD.state <> 'PENDING' AND NEW.state = 'PENDING')
    EXECUTE FUNCTION refuse_leaving_the_end();
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    op.execute(_STAYS_ENDED)
    runtime_schema.run_script(_TRIGGERS)
    for table in ("payment", "refund", "attempt"):
        op.execute(runtime_schema.revoke(table, "DELETE"))
    op.execute(runtime_schema.revoke("evidence", "UPDATE", "DELETE"))
