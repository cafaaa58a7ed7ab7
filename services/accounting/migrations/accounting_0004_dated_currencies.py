"""Currencies are dated: known for ever, open for new business between two days."""

from paykit.postgres import runtime_schema

revision = "accounting_0004"
down_revision = "accounting_0003"
branch_labels = None
depends_on = None

# The rows follow paykit.currency_table with every `paystream db migrate`: see services.accounting.store.reference.
_DATES = """
ALTER TABLE currency ADD COLUMN valid_from date;
ALTER TABLE currency ADD COLUMN valid_until date;
"""


def upgrade() -> None:
    runtime_schema.run_script(_DATES)
