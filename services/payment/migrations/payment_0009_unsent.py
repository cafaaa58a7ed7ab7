"""Until when attempts may be sent, and how those failed that were not."""

from paykit.postgres import runtime_schema

revision = "payment_0009"
down_revision = "payment_0008"
branch_labels = None

# What waits to be sent is in the index of the queue, where what has expired is found.
_ATTEMPT = """
ALTER TABLE attempt
    ADD COLUMN expire_time timestamptz,
    DROP CONSTRAINT attempt_started_once,
    ADD CONSTRAINT attempt_expires_unless_it_gives_back CHECK (
        expire_time IS NULL OR action NOT IN ('CANCEL', 'REFUND')),
    -- One that was withdrawn or expired before it was sent has failed without having started.
    ADD CONSTRAINT attempt_started_once CHECK (
        (state = 'PENDING') = (start_time IS NULL)
        OR start_time IS NULL AND state = 'FAILED' AND coalesce(failure_code, '') IN ('withdrawn', 'expired_unsent'));
"""


def upgrade() -> None:
    runtime_schema.run_script(_ATTEMPT)
