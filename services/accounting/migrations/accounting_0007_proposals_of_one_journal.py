"""Two proposals may be of one journal: it is booked once, and both say so."""

from paykit.postgres import runtime_schema

revision = "accounting_0007"
down_revision = "accounting_0006"
branch_labels = None
depends_on = None

_INDEX = """
DROP INDEX journal_proposal_transaction;
CREATE INDEX journal_proposal_transaction ON journal_proposal (transaction_id) WHERE transaction_id IS NOT NULL;
"""


def upgrade() -> None:
    runtime_schema.run_script(_INDEX)
