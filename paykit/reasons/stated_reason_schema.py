"""The columns in which a table keeps a stated reason."""

from paykit.postgres import runtime_schema
from paykit.postgres.upgrades import schema_changes

_COLUMNS_V1 = """
ALTER TABLE "{table}"
    ADD COLUMN stated_reason text,
    ADD COLUMN stated_by text COLLATE "C",
    ADD COLUMN stated_time timestamptz;
"""
_WHOLE_V1 = """
CHECK (CASE WHEN stated_reason IS NULL THEN stated_by IS NULL AND stated_time IS NULL
    ELSE stated_time IS NOT NULL AND char_length(stated_reason) BETWEEN 1 AND 500 END)
"""


def add_v1(table: str) -> None:
    """Add the columns to a table that others may write meanwhile; old rows have none, so that none needs to be read."""
    runtime_schema.run_script(_COLUMNS_V1.format(table=table))
    schema_changes.add_constraint(table, f"{table}_stated_whole", _WHOLE_V1)
