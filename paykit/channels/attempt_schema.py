"""The tables `attempt` and `evidence` of a service that calls channels; their SQL is in `attempt_table`."""

from collections.abc import Sequence

from alembic import op

from paykit.postgres import runtime_schema

# due_time and start_time are real time, for leases and retries, and so may come from the database's clock.
_V1 = """
CREATE TABLE attempt (
    attempt_id text COLLATE "C" PRIMARY KEY,
    action text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'STARTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    inquiry_count bigint NOT NULL DEFAULT 0,
    contradicted boolean NOT NULL DEFAULT false,
    traceparent text COLLATE "C",
    due_time timestamptz NOT NULL DEFAULT now(),
    start_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT attempt_started_once CHECK ((state = 'PENDING') = (start_time IS NULL)),
    CONSTRAINT attempt_succeeded_has_reference CHECK (state <> 'SUCCEEDED' OR channel_reference IS NOT NULL),
    CONSTRAINT attempt_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL)),
    {own}
) WITH (fillfactor = 75);
-- The queue of attempts to send: a row is in it until it is claimed.
CREATE INDEX attempt_pending ON attempt (channel, due_time) WHERE state = 'PENDING';
-- The attempts to inquire about once their lease or their pause ends.
CREATE INDEX attempt_open ON attempt (channel, due_time) WHERE state IN ('STARTED', 'UNKNOWN');

-- What was told of an attempt beyond the plain answer to its call, which stands in the attempt itself. Told again: the
-- same row, so that duplicates of a callback leave no trace.
CREATE TABLE evidence (
    evidence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL REFERENCES attempt,
    source text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('SUCCEEDED', 'FAILED', 'NOT_FOUND', 'RETURNED')),
    verdict text COLLATE "C" NOT NULL CHECK (verdict IN ('SUCCEED', 'FAIL', 'CONFIRM', 'CONTRADICT')),
    channel_reference text COLLATE "C",
    failure_code text,
    record_time timestamptz NOT NULL,
    CONSTRAINT evidence_key UNIQUE NULLS NOT DISTINCT (attempt_id, source, outcome, channel_reference, failure_code)
);
"""
_CHANGES_V1 = (
    ("PENDING", "STARTED"),
    ("STARTED", "SUCCEEDED"),
    ("STARTED", "FAILED"),
    ("STARTED", "UNKNOWN"),
    ("UNKNOWN", "SUCCEEDED"),
    ("UNKNOWN", "FAILED"),
)


def create_v1(own: Sequence[str]) -> None:
    """Make the first version of both tables in the schema being migrated.

    The database refuses changes of state that `paykit.channels.attempts` does not know; the service's role may delete
    no attempt, and neither change nor delete evidence. Payment's first version stands in its own migration.

    Args:
        own: SQL of the columns and constraints that only this service's attempts have: one names the aggregate, at
            least.
    """
    runtime_schema.run_script(_V1.format(own=",\n    ".join(own)))
    runtime_schema.guard_states("attempt", _CHANGES_V1)
    op.execute(runtime_schema.revoke("attempt", "DELETE"))
    op.execute(runtime_schema.revoke("evidence", "UPDATE", "DELETE"))


# The channel's own amount; the key tells words apart that differ in it alone.
_V2 = """
ALTER TABLE attempt ADD COLUMN approved_minor bigint
    CHECK (approved_minor BETWEEN 1 AND 9007199254740991 AND approved_minor <> amount_minor);
ALTER TABLE evidence
    ADD COLUMN amount_minor bigint,
    ADD COLUMN currency_code text COLLATE "C",
    DROP CONSTRAINT evidence_key,
    ADD CONSTRAINT evidence_key UNIQUE NULLS NOT DISTINCT
        (attempt_id, source, outcome, channel_reference, failure_code, amount_minor);

-- What channels told that is about no attempt that is known or was sent, or in another currency than it: once however
-- often it was told. Nothing is empty text, and no amount is 0, so that a key can be made of all.
CREATE TABLE unmatched_evidence (
    evidence_id text COLLATE "C" PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C" NOT NULL,
    failure_code text NOT NULL,
    amount_minor bigint NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    refusal text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT unmatched_evidence_key UNIQUE
        (attempt_id, outcome, channel_reference, failure_code, amount_minor, currency_code)
);
CREATE INDEX unmatched_evidence_list ON unmatched_evidence (create_time, evidence_id);
"""
_V3 = "ALTER TABLE attempt ADD COLUMN overdue_told boolean NOT NULL DEFAULT false"
_LATER_WORDS_V2 = (("SUCCEEDED", "FAILED"), ("FAILED", "SUCCEEDED"))


def upgrade_v2(changes: Sequence[tuple[str, str]] = _CHANGES_V1) -> None:
    """Have attempts follow what is said later, over whichever amount, and keep what is about none of them.

    Args:
        changes: Of an attempt's state, as the service had them before.
    """
    runtime_schema.run_script(_V2)
    runtime_schema.guard_states("attempt", (*changes, *_LATER_WORDS_V2))
    op.execute(runtime_schema.revoke("unmatched_evidence", "UPDATE", "DELETE"))


def upgrade_v3() -> None:
    """Keep of each attempt whether it was told that its outcome is overdue."""
    runtime_schema.run_script(_V3)
