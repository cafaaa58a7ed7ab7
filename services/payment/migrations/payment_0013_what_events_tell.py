"""What events tell beside money: means of payment, countries, counts, and what was told once."""

from paykit.channels import attempt_schema
from paykit.postgres import runtime_schema

revision = "payment_0013"
down_revision = "payment_0012"
branch_labels = None

_COLUMNS = """
ALTER TABLE merchant ADD COLUMN country_code text COLLATE "C";

ALTER TABLE payment
    ADD COLUMN brand text CHECK (length(brand) BETWEEN 1 AND 50),
    ADD COLUMN funding text COLLATE "C" CHECK (funding IN ('CREDIT', 'DEBIT', 'PREPAID')),
    ADD COLUMN issuer_country_code text COLLATE "C" CHECK (issuer_country_code ~ '^[A-Z]{2}$'),
    ADD COLUMN country_code text COLLATE "C" CHECK (country_code ~ '^[A-Z]{2}$'),
    ADD COLUMN authorize_time timestamptz,
    ADD COLUMN expiry_warned boolean NOT NULL DEFAULT false,
    ADD COLUMN attempt_count bigint NOT NULL DEFAULT 1 CHECK (attempt_count >= 1),
    ADD COLUMN capture_count bigint NOT NULL DEFAULT 0 CHECK (capture_count >= 0);

UPDATE payment SET
    attempt_count = greatest(1, (SELECT count(*) FROM attempt WHERE attempt.payment_id = payment.payment_id)),
    capture_count = CASE WHEN captured_minor = 0 THEN 0 WHEN capture_mode = 'AUTOMATIC' THEN 1
        ELSE (SELECT count(*) FROM capture
              WHERE capture.payment_id = payment.payment_id AND capture.state = 'SUCCEEDED') END;

-- The authorizations of which it is still to be told that they are soon over.
CREATE INDEX payment_unwarned ON payment (expire_time)
    WHERE expire_time IS NOT NULL AND NOT expiry_warned AND cancel_reason IS NULL;

ALTER TABLE refund ADD COLUMN automatic boolean NOT NULL DEFAULT false;
-- Of those made for a closed order or a second payment, callers may have asked for some: their labels and calls say so.
UPDATE refund SET automatic = true
WHERE reason = 'CONTRADICTION' OR reason IN ('ORDER_CANCELLED', 'DUPLICATE') AND request_key IS NULL;

-- Only a charge makes a capture that has no row of its own.
ALTER TABLE attempt
    ADD COLUMN allotted_capture_id text COLLATE "C",
    ADD CONSTRAINT attempt_allots_with_a_charge CHECK (allotted_capture_id IS NULL OR action = 'CHARGE');

ALTER TABLE dispute ADD COLUMN reminded_of timestamptz;
-- The disputes that are to be answered, soonest first.
CREATE INDEX dispute_to_answer ON dispute (respond_by) WHERE state = 'OPENED' AND respond_by IS NOT NULL;
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
    attempt_schema.upgrade_v3()
