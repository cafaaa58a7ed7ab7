"""Narrow items are written."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "settlement_0006"
down_revision = "settlement_0005"
branch_labels = None
depends_on = None
contracts = "item as the only table of items: narrow_item is written, which builds before settlement_0005 do not read"


def upgrade() -> None:
    op.execute(runtime_schema.grant("narrow_item", "INSERT"))
