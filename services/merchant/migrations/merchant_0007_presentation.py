"""How a merchant is written to, and how payers know it."""

from paykit.postgres import runtime_schema

revision = "merchant_0007"
down_revision = "merchant_0006"
branch_labels = None

_CHANGES = """
ALTER TABLE merchant
    ADD COLUMN locale text COLLATE "C" NOT NULL DEFAULT 'en' CHECK (length(locale) BETWEEN 2 AND 35),
    ADD COLUMN public_name text CHECK (length(public_name) BETWEEN 1 AND 200),
    ADD COLUMN support_email text CHECK (length(support_email) BETWEEN 3 AND 254),
    ADD COLUMN notification_email text CHECK (length(notification_email) BETWEEN 3 AND 254)
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
