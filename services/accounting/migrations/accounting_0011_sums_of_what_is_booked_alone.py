"""Sums of what people booked alone, by time, and up to which position of the journal they hold it."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "accounting_0011"
down_revision = "accounting_0010"
branch_labels = None
expands = True

_TABLES = """
CREATE TABLE booked_alone_sum (
    slot timestamptz NOT NULL,
    actor text NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    amount_minor numeric(38, 0) NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (slot, actor, currency_code)
);
CREATE TABLE booked_alone_summed (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL CHECK (position >= 0)
);
"""

# Of journals that are there, those of the last days are added by the first who asks: all before are of no day that will
# be asked for. They may have been moved from the former tables behind later ones, so the last days begin with their
# first. The lock is that of what people book alone: who has not committed yet may have a position below all others.
_SUMMED = f"""
SELECT pg_advisory_xact_lock({0x616C_6F6E});
INSERT INTO booked_alone_summed (position)
SELECT coalesce(
    (SELECT min(position) - 1 FROM journal_0 WHERE reason IS NOT NULL AND create_time > (
        SELECT max(create_time) FROM journal_0 WHERE reason IS NOT NULL) - interval '2 days'),
    (SELECT max(position) FROM journal_0),
    0);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.run_script(_SUMMED)
    op.execute(runtime_schema.revoke("booked_alone_summed", "DELETE", "TRUNCATE"))
