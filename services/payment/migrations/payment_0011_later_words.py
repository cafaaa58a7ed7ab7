"""What channels say later: captures that bounce, refunds that are out after all or come back, money that comes late."""

from alembic import op

from paykit.channels import attempt_schema
from paykit.postgres import runtime_schema

revision = "payment_0011"
down_revision = "payment_0010"
branch_labels = None

_PAYMENT = """
ALTER TABLE payment
    ADD COLUMN reversed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN unbacked_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT payment_captured_within_amount,
    DROP CONSTRAINT payment_spent_within_captured,
    DROP CONSTRAINT payment_taken_within_amount,
    ADD CONSTRAINT payment_captured_within_amount CHECK (
        captured_minor >= 0 AND captured_minor - reversed_minor <= amount_minor),
    ADD CONSTRAINT payment_reversed_was_captured CHECK (reversed_minor BETWEEN 0 AND captured_minor),
    -- What is out with no capture behind it stands in suspense.
    ADD CONSTRAINT payment_spent_within_captured CHECK (
        least(refunded_minor, refunding_minor, disputed_minor, unbacked_minor) >= 0
        AND refunded_minor - unbacked_minor + refunding_minor + disputed_minor <= captured_minor),
    ADD CONSTRAINT payment_taken_within_amount CHECK (
        least(capturing_minor, cancelling_minor, cancelled_minor) >= 0
        AND captured_minor - reversed_minor + capturing_minor + cancelling_minor + cancelled_minor <= amount_minor);

ALTER TABLE capture
    ADD COLUMN approved_minor bigint CHECK (approved_minor BETWEEN 1 AND amount_minor - 1),
    ADD COLUMN reversed_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT capture_spent_within_captured,
    ADD CONSTRAINT capture_spent_within_captured CHECK (
        least(refunded_minor, refunding_minor, disputed_minor, reversed_minor) >= 0
        AND greatest(refunded_minor + refunding_minor + disputed_minor, reversed_minor)
            <= CASE state WHEN 'SUCCEEDED' THEN coalesce(approved_minor, amount_minor) ELSE 0 END);

ALTER TABLE refund
    ADD COLUMN approved_minor bigint CHECK (approved_minor BETWEEN 1 AND amount_minor - 1),
    ADD COLUMN suspense_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN returned_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN late_capture_id text COLLATE "C",
    DROP CONSTRAINT refund_state_check,
    ADD CONSTRAINT refund_state_check CHECK (
        state IN ('QUEUED', 'CREATED', 'SUCCEEDED', 'FAILED', 'UNKNOWN', 'RETURNED')),
    ADD CONSTRAINT refund_returned_is_whole CHECK (
        CASE state WHEN 'RETURNED' THEN returned_minor = coalesce(approved_minor, amount_minor)
        WHEN 'SUCCEEDED' THEN returned_minor >= 0
        ELSE returned_minor = 0 END),
    ADD CONSTRAINT refund_suspense_within_amount CHECK (
        suspense_minor BETWEEN 0 AND coalesce(approved_minor, amount_minor)),
    ADD CONSTRAINT refund_of_late_money_contradicts CHECK (late_capture_id IS NULL OR reason = 'CONTRADICTION');

ALTER TABLE refund_share DROP CONSTRAINT refund_share_amount_minor_check,
    ADD CONSTRAINT refund_share_amount_minor_check CHECK (amount_minor BETWEEN 0 AND 9007199254740991);

-- One that was withdrawn or expired before it was sent, and that its channel has carried out all the same.
ALTER TABLE attempt DROP CONSTRAINT attempt_started_once;
ALTER TABLE attempt ADD CONSTRAINT attempt_started_once CHECK (
    (state = 'PENDING') = (start_time IS NULL)
    OR start_time IS NULL AND (
        contradicted OR state = 'FAILED' AND coalesce(failure_code, '') IN ('withdrawn', 'expired_unsent')));
"""

_LATE_CAPTURE = """
-- Money that came for a charge or capture that was over; retry_time is business time.
CREATE TABLE late_capture (
    capture_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL REFERENCES payment,
    attempt_id text COLLATE "C" NOT NULL REFERENCES attempt,
    contradiction_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    late_reason text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C" NOT NULL,
    original_reference text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('HELD', 'RETURNED', 'ACCEPTED')),
    bounced boolean NOT NULL,
    refunding boolean NOT NULL,
    refund_count bigint NOT NULL CHECK (refund_count >= 0),
    retry_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT late_capture_retries_what_is_held CHECK (retry_time IS NULL OR state = 'HELD' AND NOT refunding)
);
CREATE INDEX late_capture_payment ON late_capture (payment_id);
CREATE INDEX late_capture_due ON late_capture (retry_time) WHERE retry_time IS NOT NULL;
"""

# Closed under following one change by another, as a batch writes a row once.
_ENDS = ("SUCCEEDED", "FAILED")
_STATES = {
    "payment": [
        *(("CREATED", state) for state in ("AUTHORIZED", "CANCELLED", "UNKNOWN", *_ENDS)),
        *(("AUTHORIZED", state) for state in ("SUCCEEDED", "CANCELLED", "FAILED")),
        *(("UNKNOWN", state) for state in ("AUTHORIZED", "CANCELLED", *_ENDS)),
        *((state, "SUCCEEDED") for state in ("FAILED", "CANCELLED")),
    ],
    "refund": [
        *(("QUEUED", state) for state in ("CREATED", "FAILED")),
        *(("CREATED", state) for state in ("UNKNOWN", "RETURNED", *_ENDS)),
        *(("UNKNOWN", state) for state in ("RETURNED", *_ENDS)),
        *(("FAILED", state) for state in ("SUCCEEDED", "RETURNED")),
        ("SUCCEEDED", "RETURNED"),
        ("RETURNED", "SUCCEEDED"),
    ],
    "late_capture": [("HELD", "RETURNED"), ("HELD", "ACCEPTED"), ("RETURNED", "HELD"), ("RETURNED", "ACCEPTED")],
}
_ATTEMPT_CHANGES = [
    *(("PENDING", state) for state in ("STARTED", *_ENDS)),
    *(("STARTED", state) for state in ("UNKNOWN", *_ENDS)),
    *(("UNKNOWN", state) for state in _ENDS),
]


def upgrade() -> None:
    attempt_schema.upgrade_v2(_ATTEMPT_CHANGES)
    runtime_schema.run_script(_PAYMENT)
    runtime_schema.run_script(_LATE_CAPTURE)
    for table, allowed in _STATES.items():
        runtime_schema.guard_states(table, allowed)
    op.execute(runtime_schema.revoke("late_capture", "DELETE"))
    op.execute('GRANT UPDATE ON refund_share TO "paystream_payment"')
