"""The wide index of a merchant's payments goes."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0028"
down_revision = "payment_0027"
branch_labels = None
concurrent = True
contracts = "payment_list: builds before payment_0027 list payments by it; run it when none of them is left"


def upgrade() -> None:
    schema_changes.drop_index("payment_list")
