"""Have lists of a state or a channel walk the index of it, however few states and channels there are.

A plan is made once for all values. Of a column of two values it would take each for half the table, and walk the index
of all rows, past a million that are over to the few that are open.
"""

from alembic import op

revision = "reconciliation_0010"
down_revision = "reconciliation_0009"
branch_labels = None
expands = True

VALUES_TAKEN_FOR = 1_000
"""How many values a column is planned for; values that a statement itself names are planned for as they are."""

_COLUMNS = (
    ("discrepancy", "state"),
    ("discrepancy", "kind"),
    ("discrepancy", "channel"),
    ("correction", "state"),
    ("statement", "channel"),
)


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET (n_distinct = {VALUES_TAKEN_FOR})")
