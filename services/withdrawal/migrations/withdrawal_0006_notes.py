"""What events tell of withdrawals and bank accounts: the account's last four, a note, when it was sent, versions."""

from paykit.postgres import runtime_schema

revision = "withdrawal_0006"
down_revision = "withdrawal_0005"
branch_labels = None
depends_on = None

# An account that was changed before has had at most two changes: it was verified or refused, then disabled.
_COLUMNS = """
ALTER TABLE bank_account ADD COLUMN aggregate_version bigint NOT NULL DEFAULT 1 CHECK (aggregate_version >= 1);
UPDATE bank_account SET aggregate_version = CASE state WHEN 'UNVERIFIED' THEN 1 WHEN 'DISABLED' THEN 3 ELSE 2 END;

ALTER TABLE withdrawal
    ADD COLUMN bank_account_last_four text COLLATE "C",
    ADD COLUMN note text CHECK (char_length(note) BETWEEN 1 AND 500),
    ADD COLUMN submit_time timestamptz;
UPDATE withdrawal SET bank_account_last_four = bank_account.last_four
FROM bank_account WHERE bank_account.bank_account_id = withdrawal.bank_account_id;
ALTER TABLE withdrawal ALTER COLUMN bank_account_last_four SET NOT NULL;
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
