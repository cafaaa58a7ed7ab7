"""What the payer has to do before an authorization is decided, and how long it has."""

from paykit.postgres import runtime_schema

revision = "channel_0008"
down_revision = "channel_0007"
branch_labels = None
depends_on = None
expands = True

_COLUMNS = """
ALTER TABLE channel_transaction ADD COLUMN next_action text;
ALTER TABLE card_authorization ADD COLUMN may_be_called_off boolean NOT NULL DEFAULT false;
ALTER TABLE behaviour ADD COLUMN action_expires_seconds bigint NOT NULL DEFAULT 900 CHECK (action_expires_seconds >= 1);
-- What waits for its payer, which may be cancelled: looked up by the reference that cancelling names.
CREATE INDEX channel_transaction_waiting ON channel_transaction (channel_reference)
    WHERE next_action IS NOT NULL AND outcome = 'PENDING';
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
