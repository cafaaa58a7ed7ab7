"""Statements: balances of the platform's bank account, a fee of their own, counts apart for acquirer and bank."""

from paykit.postgres import runtime_schema

revision = "channel_0007"
down_revision = "channel_0006"
branch_labels = None
depends_on = None

# Lines of statements that were closed before are counted as the acquirer's.
_BALANCES = """
ALTER TABLE behaviour ADD COLUMN statement_fee_minor bigint NOT NULL DEFAULT 0 CHECK (statement_fee_minor >= 0);

ALTER TABLE statement DROP CONSTRAINT statement_line_count_check;
ALTER TABLE statement RENAME COLUMN line_count TO acquirer_line_count;
ALTER TABLE statement RENAME COLUMN channel_fee_minor TO fee_minor;
ALTER TABLE statement
    ADD COLUMN bank_line_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN statement_fee_minor numeric(38) NOT NULL DEFAULT 0,
    ADD COLUMN opening_balance_minor numeric(38) NOT NULL DEFAULT 0,
    ADD COLUMN closing_balance_minor numeric(38) NOT NULL DEFAULT 0,
    ADD CONSTRAINT statement_has_lines CHECK (acquirer_line_count + bank_line_count > 0);
WITH moved AS (
    SELECT statement_id, captured_minor - reversed_minor - refunded_minor + refund_returned_minor - disputed_minor
                         - fee_minor + returned_minor - paid_minor AS net_minor
    FROM statement
), balance AS (
    SELECT statement_id, net_minor, sum(net_minor) OVER (
        PARTITION BY currency_code ORDER BY statement_date) AS closing_balance_minor
    FROM statement JOIN moved USING (statement_id)
)
UPDATE statement SET closing_balance_minor = balance.closing_balance_minor,
                     opening_balance_minor = balance.closing_balance_minor - balance.net_minor
FROM balance WHERE balance.statement_id = statement.statement_id;
ALTER TABLE statement ADD CONSTRAINT statement_balances CHECK (
    closing_balance_minor - opening_balance_minor = captured_minor - reversed_minor - refunded_minor
        + refund_returned_minor - disputed_minor - fee_minor - statement_fee_minor + returned_minor - paid_minor);
"""


def upgrade() -> None:
    runtime_schema.run_script(_BALANCES)


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
