"""Late outcomes: what is said of attempts after they were decided, with lines of their own, above every limit."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "channel_0003"
down_revision = "channel_0002"
branch_labels = None
depends_on = None

# Limits are for what is asked; what is said afterwards happened, above them as well.
_LATE_OUTCOMES = """
ALTER TABLE channel_transaction ADD COLUMN returned_minor bigint;
ALTER TABLE channel_transaction ADD COLUMN second_reference text COLLATE "C";
ALTER TABLE channel_transaction ADD CONSTRAINT what_returned_was_paid CHECK (
    (returned_minor IS NULL) = (return_time IS NULL) AND returned_minor BETWEEN 1 AND amount_minor);
ALTER TABLE channel_transaction DROP CONSTRAINT moved_money_has_a_line;
ALTER TABLE channel_transaction ADD CONSTRAINT moved_money_has_a_line CHECK (
    line_date IS NOT NULL OR NOT (moves_money AND outcome = 'APPROVED'));
DROP INDEX channel_transaction_return;

ALTER TABLE card_authorization DROP CONSTRAINT what_went_was_captured;
ALTER TABLE card_authorization DROP CONSTRAINT card_authorization_check;
ALTER TABLE card_authorization DROP CONSTRAINT card_authorization_check1;
ALTER TABLE card_authorization DROP CONSTRAINT card_authorization_check2;
ALTER TABLE card_authorization ADD CONSTRAINT what_is_used_is_not_negative CHECK (
    taken_minor >= 0 AND captured_minor >= 0 AND refunded_minor >= 0);
ALTER TABLE card_authorization ADD COLUMN refund_declines_left bigint NOT NULL DEFAULT 0
    CHECK (refund_declines_left >= 0);

CREATE TABLE later_line (
    line_id text COLLATE "C" PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL REFERENCES channel_transaction,
    channel_reference text COLLATE "C" NOT NULL,
    original_reference text COLLATE "C",
    operation text COLLATE "C" NOT NULL
        CHECK (operation IN ('CAPTURE', 'CAPTURE_REVERSED', 'REFUND', 'REFUND_RETURNED', 'PAY', 'RETURN')),
    merchant_id text COLLATE "C",
    related_no text COLLATE "C",
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    line_date text COLLATE "C" NOT NULL CHECK (line_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    create_time timestamptz NOT NULL
);
CREATE INDEX later_line_date ON later_line (line_date);

ALTER TABLE sequel DROP CONSTRAINT sequel_kind_check;
ALTER TABLE sequel ADD CONSTRAINT sequel_kind_check CHECK (kind IN (
    'RETURN', 'RETURN_SHORT', 'UNDONE', 'APPROVED_AGAIN', 'DISPUTE_WON', 'DISPUTE_LOST'));
ALTER TABLE callback DROP CONSTRAINT callback_report_check;
ALTER TABLE callback ADD CONSTRAINT callback_report_check CHECK (report IN (
    'RESULT', 'LATE_RESULT', 'SECOND_RESULT', 'RETURN', 'DISPUTE_OPENED', 'DISPUTE_WON', 'DISPUTE_LOST'));

ALTER TABLE statement ADD COLUMN dispute_won_minor numeric(38) NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN reversed_minor numeric(38) NOT NULL DEFAULT 0;
ALTER TABLE statement ADD COLUMN refund_returned_minor numeric(38) NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    runtime_schema.run_script(_LATE_OUTCOMES)
    op.execute(runtime_schema.revoke("later_line", "UPDATE", "DELETE"))


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
