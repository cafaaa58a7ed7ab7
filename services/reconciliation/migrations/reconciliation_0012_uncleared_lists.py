"""Indexes in the order of the list of what has not cleared: by kind of account, and by merchant; and of debts."""

from paykit.postgres.upgrades import schema_changes

revision = "reconciliation_0012"
down_revision = "reconciliation_0011"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index(
        "uncleared_kind",
        "uncleared (account_kind, since, merchant_id, currency_code, reference) WHERE amount_minor <> 0",
    )
    # Most of what passes through accounts is the platform's, and is not in here.
    schema_changes.create_index(
        "uncleared_merchant",
        "uncleared (account_kind, merchant_id, since, currency_code, reference) "
        "WHERE amount_minor <> 0 AND merchant_id <> ''",
    )
    # From the newest on: the debts that are left, as their trigger looks for them.
    schema_changes.create_index(
        "uncleared_debt",
        "uncleared (account_kind, merchant_id, currency_code, since, reference) "
        "WHERE amount_minor > 0 AND account_kind = 'merchant.receivable'",
    )
    # The first one leads to all that this one led to.
    schema_changes.drop_index("uncleared_left")
