"""Lines that differ stay open besides, so that what comes later is looked at together with them."""

from paykit.postgres import runtime_schema

revision = "reconciliation_0008"
down_revision = "reconciliation_0007"
branch_labels = None

_COLUMNS = """
ALTER TABLE open_line
    ADD COLUMN differs boolean NOT NULL DEFAULT false, -- Decided, but other lines or movements may complete it.
    ADD COLUMN line_date date;
UPDATE open_line o SET line_date = l.line_date FROM statement_line l WHERE l.line_no = o.line_no;
INSERT INTO open_line (line_no, statement_id, channel, operation, amount_minor, currency_code, channel_reference,
    attempt_id, related_no, line_date, fresh, differs)
SELECT l.line_no, l.statement_id, l.channel, l.operation, l.amount_minor, l.currency_code, l.channel_reference,
    l.attempt_id, l.related_no, l.line_date, false, true
FROM line_outcome o JOIN statement_line l USING (line_no)
WHERE o.status IN ('AMOUNT_MISMATCH', 'DUPLICATE') AND o.movement_id IS NOT NULL
ON CONFLICT (line_no) DO NOTHING;
"""

# Each search has one index that serves it. While PostgreSQL takes the lines that wait for few, it would read them
# all by any other whose condition the search implies.
_INDEXES = """
DROP INDEX open_line_reference, open_line_attempt, open_line_related, open_line_amount;
CREATE INDEX open_line_reference ON open_line (channel_reference) WHERE NOT fresh AND channel_reference IS NOT NULL;
CREATE INDEX open_line_attempt ON open_line (attempt_id) WHERE NOT fresh AND attempt_id IS NOT NULL;
CREATE INDEX open_line_related ON open_line (related_no) WHERE NOT fresh AND related_no IS NOT NULL;
CREATE INDEX open_line_amount ON open_line (currency_code, amount_minor) WHERE NOT fresh AND NOT differs;
CREATE INDEX open_line_differing ON open_line (channel, line_no) WHERE fresh AND differs;
CREATE INDEX open_line_batch ON open_line (channel, operation, line_date)
    WHERE NOT fresh AND attempt_id IS NULL AND related_no IS NULL;
CREATE INDEX line_outcome_differing ON line_outcome (movement_id) WHERE status IN ('AMOUNT_MISMATCH', 'DUPLICATE');

-- What is over may come again: a line may differ, be completed, and differ from something else.
DROP INDEX discrepancy_of_line;
CREATE UNIQUE INDEX discrepancy_of_line ON discrepancy (line_no, kind) WHERE line_no IS NOT NULL AND state = 'OPEN';
DROP INDEX discrepancy_of_movement;
CREATE UNIQUE INDEX discrepancy_of_movement ON discrepancy (movement_id, kind)
    WHERE line_no IS NULL AND movement_id IS NOT NULL AND state = 'OPEN';
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
    runtime_schema.run_script(_INDEXES)
