"""Releases that the ledger has not answered, by merchant and currency: no reserve is consumed meanwhile."""

from paykit.postgres.upgrades import schema_changes

revision = "settlement_0008"
down_revision = "settlement_0007"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index(
        "fund_transfer_releasing",
        "fund_transfer (merchant_id, currency_code) WHERE state = 'REQUESTED' AND kind = 'RELEASE'",
    )
