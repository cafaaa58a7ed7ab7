"""New payments begin with NULL for what is 0, and so does what changes of them is written back."""

from alembic import op

revision = "payment_0024"
down_revision = "payment_0023"
branch_labels = None
contracts = "the zeros of payments: builds before payment_0021 read NULL as no number; run it when none of them is left"

_ZEROS = (
    *("authorized_minor", "capturing_minor", "cancelling_minor", "cancelled_minor", "captured_minor"),
    *("reversed_minor", "refunded_minor", "unbacked_minor", "refunding_minor", "disputed_minor", "overdisputed_minor"),
    *("lost_minor", "fee_minor", "fee_returned_minor", "fee_returning_minor", "capture_count", "metadata_version"),
)


def upgrade() -> None:
    op.execute(f"ALTER TABLE payment {', '.join(f'ALTER COLUMN {column} DROP DEFAULT' for column in _ZEROS)}")
