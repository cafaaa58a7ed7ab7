"""What disputes claim above what was left when they did: it is kept of what becomes free."""

from paykit.postgres import runtime_schema

revision = "payment_0015"
down_revision = "payment_0014"
branch_labels = None

_COLUMNS = """
ALTER TABLE payment ADD COLUMN overdisputed_minor bigint NOT NULL DEFAULT 0 CHECK (overdisputed_minor >= 0);
ALTER TABLE capture ADD COLUMN overdisputed_minor bigint NOT NULL DEFAULT 0 CHECK (overdisputed_minor >= 0);

CREATE TEMPORARY TABLE overdisputed ON COMMIT DROP AS
SELECT payment_id, capture_id,
    greatest(CASE state WHEN 'LOST' THEN lost_minor ELSE claimed_minor END - counted_minor, 0) AS over_minor
FROM dispute WHERE stage <> 'INQUIRY' AND state IN ('OPENED', 'CONTESTED', 'LOST');

UPDATE payment SET overdisputed_minor = summed.over_minor
FROM (SELECT payment_id, sum(over_minor)::bigint AS over_minor FROM overdisputed GROUP BY payment_id) AS summed
WHERE summed.payment_id = payment.payment_id AND summed.over_minor > 0;

UPDATE capture SET overdisputed_minor = summed.over_minor
FROM (SELECT capture_id, sum(over_minor)::bigint AS over_minor FROM overdisputed GROUP BY capture_id) AS summed
WHERE summed.capture_id = capture.capture_id AND summed.over_minor > 0;
"""


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
