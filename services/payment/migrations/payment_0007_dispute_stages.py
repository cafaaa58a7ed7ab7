"""Disputes by capture and stage, lost in part, overturned, above what is left; and all that channels said of them."""

from paykit.postgres import runtime_schema

revision = "payment_0007"
down_revision = "payment_0006"
branch_labels = None

_DISPUTE = """
ALTER TABLE dispute
    ADD COLUMN capture_id text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN stage text COLLATE "C" NOT NULL DEFAULT 'CHARGEBACK'
        CHECK (stage IN ('INQUIRY', 'CHARGEBACK', 'PRE_ARBITRATION')),
    ADD COLUMN category text CHECK (length(category) BETWEEN 1 AND 50),
    ADD COLUMN claimed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN held_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN excess_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN counted_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN owed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN fee_returned_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN booked boolean NOT NULL DEFAULT false,
    ADD COLUMN word_time timestamptz,
    DROP CONSTRAINT dispute_state_check,
    DROP CONSTRAINT dispute_accepted_is_lost,
    DROP CONSTRAINT dispute_contradicted_is_decided;

UPDATE dispute SET claimed_minor = dispute.amount_minor, held_minor = dispute.amount_minor,
    capture_id = coalesce(attempt.capture_id, payment.capture_id, ''),
    counted_minor = CASE dispute.state WHEN 'WON' THEN 0 ELSE dispute.amount_minor END,
    lost_minor = CASE dispute.state WHEN 'LOST' THEN dispute.amount_minor ELSE 0 END,
    booked = dispute.state IN ('OPENED', 'CONTESTED')
FROM attempt, payment WHERE attempt.attempt_id = dispute.attempt_id AND payment.payment_id = dispute.payment_id;

ALTER TABLE dispute
    ALTER COLUMN capture_id DROP DEFAULT,
    ALTER COLUMN stage DROP DEFAULT,
    ALTER COLUMN claimed_minor DROP DEFAULT,
    ADD CONSTRAINT dispute_state_check CHECK (state IN ('OPENED', 'CONTESTED', 'WON', 'LOST', 'CLOSED')),
    ADD CONSTRAINT dispute_claims_something CHECK (claimed_minor BETWEEN 1 AND 9007199254740991),
    ADD CONSTRAINT dispute_held_within_amount CHECK (
        least(held_minor, excess_minor) >= 0 AND held_minor + excess_minor <= amount_minor),
    ADD CONSTRAINT dispute_counts_no_less_than_nothing CHECK (counted_minor >= 0),
    ADD CONSTRAINT dispute_owed_within_lost CHECK (owed_minor BETWEEN 0 AND lost_minor),
    ADD CONSTRAINT dispute_lost_lost_something CHECK ((state = 'LOST') = (lost_minor > 0)),
    ADD CONSTRAINT dispute_fee_returned_within_fee CHECK (fee_returned_minor BETWEEN 0 AND fee_minor),
    ADD CONSTRAINT dispute_booked_is_open CHECK (NOT booked OR state IN ('OPENED', 'CONTESTED')),
    ADD CONSTRAINT dispute_closed_is_an_inquiry CHECK (state <> 'CLOSED' OR stage = 'INQUIRY'),
    ADD CONSTRAINT dispute_inquiry_holds_nothing CHECK (
        stage <> 'INQUIRY' OR NOT booked AND greatest(held_minor, counted_minor, lost_minor, fee_minor) = 0);

-- What is lost of a payment, of its disputes until now.
UPDATE payment SET lost_minor = lost.lost_minor
FROM (SELECT payment_id, sum(lost_minor)::bigint AS lost_minor FROM dispute GROUP BY payment_id) AS lost
WHERE lost.payment_id = payment.payment_id;

ALTER TABLE merchant_fee
    ADD COLUMN dispute_fee_minor bigint NOT NULL DEFAULT 0 CHECK (dispute_fee_minor >= 0);

-- What channels said, word for word: `said` is all of it, so that a word told again is the same row.
ALTER TABLE dispute_report
    DROP CONSTRAINT dispute_report_pkey,
    ADD COLUMN said text COLLATE "C",
    ADD COLUMN attempt_id text COLLATE "C",
    ADD COLUMN stage text COLLATE "C" CHECK (stage IN ('INQUIRY', 'CHARGEBACK', 'PRE_ARBITRATION')),
    ADD COLUMN amount_minor bigint,
    ADD COLUMN currency_code text COLLATE "C",
    ADD COLUMN occur_time timestamptz;
UPDATE dispute_report SET said = outcome, attempt_id = dispute.attempt_id, amount_minor = dispute.amount_minor,
    currency_code = dispute.currency_code
FROM dispute WHERE dispute.dispute_id = dispute_report.dispute_id;
ALTER TABLE dispute_report
    ALTER COLUMN said SET NOT NULL,
    ALTER COLUMN attempt_id SET NOT NULL,
    ALTER COLUMN amount_minor SET NOT NULL,
    ALTER COLUMN currency_code SET NOT NULL,
    ADD PRIMARY KEY (dispute_id, said);
"""

# Closed under following one change by another, as a batch writes a dispute once. Only an inquiry is closed.
_ENDS = ("WON", "LOST")
_STATES = [
    *(("OPENED", state) for state in ("CONTESTED", "CLOSED", *_ENDS)),
    *(("CONTESTED", state) for state in ("OPENED", "CLOSED", *_ENDS)),
    *(("CLOSED", state) for state in ("OPENED", "CONTESTED", *_ENDS)),
    *(("WON", state) for state in ("OPENED", "CONTESTED", "LOST")),
    *(("LOST", state) for state in ("OPENED", "CONTESTED", "WON")),
]


def upgrade() -> None:
    runtime_schema.run_script(_DISPUTE)
    runtime_schema.guard_states("dispute", _STATES)
