"""Authorizations whose cancelling was undone once: told to cancel again, the acquirer does."""

from alembic import op

revision = "channel_0005"
down_revision = "channel_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE card_authorization ADD COLUMN cancel_undone boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
