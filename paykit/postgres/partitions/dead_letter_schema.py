"""The tables of dead letters that were decided on: `closed_dead_letter`, by the month in which they were put away.

Which events were discarded is kept for good in `discarded_event`: topics are, and a rebuild must not apply them.
"""

_TABLE = """
CREATE TABLE IF NOT EXISTS closed_dead_letter (
    dead_letter_id bigint NOT NULL,
    day date NOT NULL,
    topic text COLLATE "C" NOT NULL,
    topic_id text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    record text COLLATE "C",
    value bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    reason text COLLATE "C" NOT NULL,
    error text NOT NULL,
    status text NOT NULL CHECK (status IN ('REPLAYED', 'DISCARDED')),
    actor text,
    create_time timestamptz NOT NULL,
    resolve_time timestamptz NOT NULL,
    PRIMARY KEY (dead_letter_id, day)
) PARTITION BY RANGE (day)
"""
_DEFAULT = "CREATE TABLE IF NOT EXISTS closed_dead_letter_default PARTITION OF closed_dead_letter DEFAULT"
_DISCARDED = """
CREATE TABLE IF NOT EXISTS discarded_event (
    topic text COLLATE "C" NOT NULL,
    topic_id text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (topic, topic_id, partition, record_offset)
)
"""
_CLOSED = "CREATE INDEX IF NOT EXISTS dead_letter_closed ON dead_letter (resolve_time) WHERE status <> 'OPEN'"

STATEMENTS = (_TABLE, _DEFAULT, _DISCARDED, _CLOSED)
"""Made in every schema; they change nothing where they are there already."""
