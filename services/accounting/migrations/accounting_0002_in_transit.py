"""What is disputed or held in reserve never falls below 0; refusals; rows of balances for consumers of more topics."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "accounting_0002"
down_revision = "accounting_0001"
branch_labels = None
depends_on = None

# The balance of an account with a floor is one row, so that the CHECK sees all of it.
_MOVE = """
ALTER TABLE balance DROP CONSTRAINT balance_stripe_check;
ALTER TABLE balance ADD CONSTRAINT balance_stripe CHECK (stripe BETWEEN 0 AND 30);
CREATE TEMPORARY TABLE gathered ON COMMIT DROP AS
SELECT balance.account_id, sum(balance.balance_minor) AS balance_minor
FROM balance JOIN account ON account.account_id = balance.account_id
WHERE account.account_kind IN ('merchant.disputed', 'merchant.reserve')
GROUP BY balance.account_id;
DELETE FROM balance WHERE account_id IN (SELECT account_id FROM gathered);
INSERT INTO balance (account_id, stripe, balance_minor, floor_minor)
SELECT account_id, 0, balance_minor, 0 FROM gathered;
"""


# What an event asked for and was refused for good: its transaction is never booked, also when the event comes again.
_REFUSAL = """
CREATE TABLE refusal (
    transaction_id text COLLATE "C" PRIMARY KEY,
    transaction_type text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL
);
"""


def upgrade() -> None:
    runtime_schema.run_script(_MOVE)
    runtime_schema.run_script(_REFUSAL)
    op.execute(runtime_schema.revoke("refusal", "UPDATE", "DELETE", "TRUNCATE"))
