"""Why orders were called off, and how often their metadata was given anew."""

from alembic import op

from paykit.reasons import stated_reason_schema

revision = "order_0005"
down_revision = "order_0004"
branch_labels = None
expands = True


def upgrade() -> None:
    stated_reason_schema.add_v1("order")
    op.execute('ALTER TABLE "order" ADD COLUMN metadata_version bigint NOT NULL DEFAULT 0')
