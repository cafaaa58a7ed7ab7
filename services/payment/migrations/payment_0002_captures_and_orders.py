"""Authorizations captured in parts, voided and expiring; payments for orders; several channels.

Amounts of an authorization stand in the payment's own row, so that one lock and one CHECK keep them together: a void
and a capture cannot both be under way, whoever writes the row.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0002"
down_revision = "payment_0001"
branch_labels = None

_PAYMENT = """
ALTER TABLE payment
    ADD COLUMN capture_mode text COLLATE "C" NOT NULL DEFAULT 'AUTOMATIC'
        CHECK (capture_mode IN ('AUTOMATIC', 'MANUAL')),
    ADD COLUMN authorized_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN capturing_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN cancelling_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN cancelled_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN cancel_reason text COLLATE "C"
        CHECK (cancel_reason IN ('REQUESTED', 'AUTHORIZATION_EXPIRED', 'ORDER_CLOSED')),
    ADD COLUMN expire_time timestamptz,
    ADD COLUMN captured_in_parts boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT payment_authorized_within_amount CHECK (
        authorized_minor BETWEEN 0 AND amount_minor AND (state <> 'AUTHORIZED' OR authorized_minor > 0)),
    -- A charge is never authorized apart from its capture.
    ADD CONSTRAINT payment_taken_within_authorized CHECK (
        CASE capture_mode WHEN 'MANUAL' THEN captured_minor + capturing_minor + cancelling_minor <= authorized_minor
        ELSE greatest(authorized_minor, capturing_minor, cancelling_minor) = 0 END),
    ADD CONSTRAINT payment_taken_within_amount CHECK (
        least(capturing_minor, cancelling_minor, cancelled_minor) >= 0
        AND captured_minor + capturing_minor + cancelling_minor + cancelled_minor <= amount_minor),
    ADD CONSTRAINT payment_no_void_beside_a_capture CHECK (least(capturing_minor, cancelling_minor) = 0),
    ADD CONSTRAINT payment_cancelled_has_reason CHECK (
        greatest(cancelling_minor, cancelled_minor) = 0 OR cancel_reason IS NOT NULL),
    ADD CONSTRAINT payment_cancelled_has_ended CHECK (
        CASE state WHEN 'CANCELLED' THEN cancelled_minor > 0 ELSE cancelled_minor = 0 OR state = 'SUCCEEDED' END),
    ADD CONSTRAINT payment_expires_while_authorized CHECK (
        expire_time IS NULL OR state IN ('AUTHORIZED', 'SUCCEEDED') AND authorized_minor > 0);
-- ListPayments of an order, and what is left of it. The order of a payment never changes.
CREATE INDEX payment_order ON payment (order_id, create_time, payment_id) WHERE order_id IS NOT NULL;
-- The authorizations to give up once their time is over; a charge is not in it, so its updates stay heap-only.
CREATE INDEX payment_expiring ON payment (expire_time) WHERE expire_time IS NOT NULL;
"""

_TABLES = """
-- The captures of payments that are authorized first. A charge is captured in its payment, once and whole.
CREATE TABLE capture (
    capture_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL REFERENCES payment,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    final boolean NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('CREATED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    fee_minor bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND amount_minor),
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT capture_succeeded_has_reference CHECK (state <> 'SUCCEEDED' OR channel_reference IS NOT NULL),
    CONSTRAINT capture_only_success_costs CHECK (state = 'SUCCEEDED' OR fee_minor = 0),
    CONSTRAINT capture_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL))
) WITH (fillfactor = 75);
CREATE INDEX capture_payment ON capture (payment_id, capture_id);

-- A refund of parts of several captures names none of them.
ALTER TABLE refund DROP CONSTRAINT refund_of_a_capture;
ALTER TABLE refund ADD CONSTRAINT refund_of_a_booked_capture CHECK (reason <> 'CONTRADICTION' OR capture_id IS NULL);

ALTER TABLE attempt
    ADD COLUMN capture_id text COLLATE "C" REFERENCES capture,
    DROP CONSTRAINT attempt_action_check,
    DROP CONSTRAINT attempt_refund_of_original,
    DROP CONSTRAINT attempt_started_once,
    ADD CONSTRAINT attempt_action_check CHECK (action IN ('CHARGE', 'AUTHORIZE', 'CAPTURE', 'CANCEL', 'REFUND')),
    ADD CONSTRAINT attempt_follows_original CHECK (
        (action IN ('CAPTURE', 'CANCEL', 'REFUND')) = (original_reference IS NOT NULL)),
    ADD CONSTRAINT attempt_is_for_its_action CHECK (
        (action = 'REFUND') = (refund_id IS NOT NULL) AND (action = 'CAPTURE') = (capture_id IS NOT NULL)),
    -- One that was withdrawn before it was sent has failed without having started.
    ADD CONSTRAINT attempt_started_once CHECK (
        (state = 'PENDING') = (start_time IS NULL)
        OR start_time IS NULL AND state = 'FAILED' AND coalesce(failure_code, '') = 'withdrawn');
-- A channel that cannot be reached leaves its attempts in the queue; the others' are found past them.
DROP INDEX attempt_pending;
CREATE INDEX attempt_pending ON attempt (channel, due_time) WHERE state = 'PENDING';
DROP INDEX attempt_open;
CREATE INDEX attempt_open ON attempt (channel, due_time) WHERE state IN ('STARTED', 'UNKNOWN');

-- What order.events told, as far as payments need it.
CREATE TABLE "order" (
    order_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 1 AND 9007199254740991),
    state text COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'PAID', 'CANCELLED', 'EXPIRED')),
    correlation_id text COLLATE "C" NOT NULL,
    aggregate_version bigint NOT NULL
) WITH (fillfactor = 75);
"""

# Behind the domain's transitions. Changes of one payment in one transaction are written once, so each list is closed
# under following one change by another.
_ENDS = ("SUCCEEDED", "FAILED")
_FOLLOW_UP_STATES = [
    *(("CREATED", state) for state in (*_ENDS, "UNKNOWN")),
    *(("UNKNOWN", state) for state in _ENDS),
]
_STATES = {
    "payment": [
        *(("CREATED", state) for state in ("AUTHORIZED", "CANCELLED", "UNKNOWN", *_ENDS)),
        *(("AUTHORIZED", state) for state in ("SUCCEEDED", "CANCELLED")),
        *(("UNKNOWN", state) for state in ("AUTHORIZED", *_ENDS)),
    ],
    "refund": _FOLLOW_UP_STATES,
    "capture": _FOLLOW_UP_STATES,
    "attempt": [
        *(("PENDING", state) for state in ("STARTED", "FAILED")),
        *(("STARTED", state) for state in ("UNKNOWN", *_ENDS)),
        *(("UNKNOWN", state) for state in _ENDS),
    ],
}


def upgrade() -> None:
    runtime_schema.run_script(_PAYMENT)
    runtime_schema.run_script(_TABLES)
    for table, allowed in _STATES.items():
        op.execute(f"DROP TRIGGER IF EXISTS {table}_stays_ended ON {table}")
        runtime_schema.guard_states(table, allowed)
    op.execute("DROP FUNCTION refuse_leaving_the_end()")
    op.execute(runtime_schema.revoke("capture", "DELETE"))
