"""What was refunded and disputed of each capture, and its fee; what was lost of a payment."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0005"
down_revision = "payment_0004"
branch_labels = None

_TABLES = """
ALTER TABLE payment
    DROP COLUMN captured_in_parts,
    ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT payment_lost_was_disputed CHECK (lost_minor BETWEEN 0 AND disputed_minor);

ALTER TABLE capture
    ADD COLUMN fee_plan_version bigint CHECK (fee_plan_version >= 1),
    ADD COLUMN refund_fee_returned boolean NOT NULL DEFAULT false,
    ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunding_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN fee_returned_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN fee_returning_minor bigint NOT NULL DEFAULT 0;

-- What a refund of parts of several captures gives back of each.
CREATE TABLE refund_share (
    refund_id text COLLATE "C" NOT NULL REFERENCES refund,
    capture_id text COLLATE "C" NOT NULL REFERENCES capture,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    fee_returned_minor bigint NOT NULL CHECK (fee_returned_minor BETWEEN 0 AND amount_minor),
    PRIMARY KEY (refund_id, capture_id)
);
"""

# Until now these amounts stood in the payment alone, one after another over its captures: each bears what of them lies
# between what was captured before it and with it.
_SPREAD = """
UPDATE capture SET fee_plan_version = payment.fee_plan_version, refund_fee_returned = payment.refund_fee_returned,
    refunded_minor = greatest(least(refunded_minor_end, until_minor) - since_minor, 0),
    refunding_minor = greatest(
        least(refunding_minor_end, until_minor) - greatest(refunded_minor_end, since_minor), 0),
    disputed_minor = greatest(
        least(refunding_minor_end + payment.disputed_minor, until_minor)
        - greatest(refunding_minor_end, since_minor), 0),
    fee_returned_minor = greatest(least(payment.fee_returned_minor, fee_until_minor) - fee_since_minor, 0),
    fee_returning_minor = greatest(
        least(payment.fee_returned_minor + payment.fee_returning_minor, fee_until_minor)
        - greatest(payment.fee_returned_minor, fee_since_minor), 0)
FROM (
    SELECT capture_id, sum(amount_minor) OVER earlier AS until_minor, sum(fee_minor) OVER earlier AS fee_until_minor,
        sum(amount_minor) OVER earlier - amount_minor AS since_minor,
        sum(fee_minor) OVER earlier - fee_minor AS fee_since_minor
    FROM capture WHERE state = 'SUCCEEDED' WINDOW earlier AS (PARTITION BY payment_id ORDER BY capture_id)
) AS place, (
    SELECT *, refunded_minor AS refunded_minor_end, refunded_minor + refunding_minor AS refunding_minor_end FROM payment
) AS payment
WHERE place.capture_id = capture.capture_id AND payment.payment_id = capture.payment_id
"""

_CONSTRAINTS = """
ALTER TABLE capture
    ADD CONSTRAINT capture_spent_within_captured CHECK (
        least(refunded_minor, refunding_minor, disputed_minor) >= 0
        AND refunded_minor + refunding_minor + disputed_minor
            <= CASE state WHEN 'SUCCEEDED' THEN amount_minor ELSE 0 END),
    ADD CONSTRAINT capture_fee_given_within_fee CHECK (
        least(fee_returned_minor, fee_returning_minor) >= 0 AND fee_returned_minor + fee_returning_minor <= fee_minor),
    ADD CONSTRAINT capture_succeeded_has_terms CHECK ((state = 'SUCCEEDED') = (fee_plan_version IS NOT NULL));
ALTER TABLE refund ADD CONSTRAINT refund_returns_at_most_itself CHECK (fee_returned_minor <= amount_minor);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    op.execute(_SPREAD)
    runtime_schema.run_script(_CONSTRAINTS)
    op.execute(runtime_schema.revoke("refund_share", "UPDATE", "DELETE"))
