"""The amount of a second approval, and whether cancelling was undone: told to cancel again, the acquirer does."""

from paykit.postgres import runtime_schema

revision = "channel_0006"
down_revision = "channel_0005"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE card_authorization ADD COLUMN cancel_undone boolean NOT NULL DEFAULT false;
ALTER TABLE channel_transaction ADD COLUMN second_minor bigint CHECK (second_minor > 0);
ALTER TABLE channel_transaction ADD CONSTRAINT what_was_done_again_has_an_amount CHECK (
    second_minor IS NOT NULL OR second_reference IS NULL OR amount_minor IS NULL);
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
