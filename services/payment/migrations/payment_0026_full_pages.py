"""Pages of payments are filled: the room that changes left was never taken again by most rows, which change once."""

from paykit.postgres import runtime_schema

revision = "payment_0026"
down_revision = "payment_0025"
branch_labels = None
expands = True


def upgrade() -> None:
    runtime_schema.run_script("ALTER TABLE payment SET (fillfactor = 100)")
