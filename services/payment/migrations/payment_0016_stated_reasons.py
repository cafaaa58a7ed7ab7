"""Why payments and refunds were given up, and proposals rejected; how often metadata was given anew."""

from alembic import op

from paykit.contradictions import contradiction_schema
from paykit.reasons import stated_reason_schema

revision = "payment_0016"
down_revision = "payment_0015"
branch_labels = None
expands = True


def upgrade() -> None:
    for table in ("payment", "refund"):
        stated_reason_schema.add_v1(table)
    contradiction_schema.upgrade_v2()
    op.execute("ALTER TABLE payment ADD COLUMN metadata_version bigint NOT NULL DEFAULT 0")
