"""Lists of the accounts of all merchants, of a kind or of a currency, in the order of their ids."""

from paykit.postgres.upgrades import schema_changes

revision = "accounting_0010"
down_revision = "accounting_0009"
branch_labels = None
concurrent = True
expands = True


def upgrade() -> None:
    schema_changes.create_index("account_kind", "account (account_kind, account_id)")
    schema_changes.create_index("account_currency", "account (currency_code, account_id)")
