"""Why merchants are suspended, and who restricted them."""

from paykit.postgres import runtime_schema
from paykit.reasons import stated_reason_schema

revision = "merchant_0008"
down_revision = "merchant_0007"
branch_labels = None
expands = True

# Of restrictions from before, nobody knows who and when.
_RESTRICTIONS = """
ALTER TABLE merchant ADD COLUMN restricted_by text COLLATE "C", ADD COLUMN restrict_time timestamptz;
"""


def upgrade() -> None:
    stated_reason_schema.add_v1("merchant")
    runtime_schema.run_script(_RESTRICTIONS)
