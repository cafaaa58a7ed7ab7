"""The tables that the runtime keeps in every service's schema.

The first version is made by each service's first migration. What came later is made by `paykit.process.migrate` itself
after the service's migrations, in every schema: statements that change nothing where it is there already.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paykit.postgres.partitions import dead_letter_schema, idempotency_schema, partition_schema

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_V1 = """
-- Events (and copies of dead letters) waiting for the relay. No cursor, no transaction ids: rows are read in id order
-- and deleted by id once Kafka acknowledged them.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    dataschema text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text COLLATE "C",
    value bytea,
    header_names text[],
    header_values bytea[]
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Whether several events of a transaction are written as one row; so from the begin where no older build has been.
CREATE TABLE outbox_format (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    batches boolean NOT NULL
);
INSERT INTO outbox_format (batches) VALUES (true);

-- One row for each call with a request id that succeeded (or is being carried out in an open transaction), of builds of
-- before `idempotency_claim`.
CREATE TABLE idempotency_key (
    caller text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    request_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    reply bytea,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (caller, method, request_id)
) WITH (fillfactor = 80);
CREATE INDEX idempotency_key_create_time ON idempotency_key USING brin (create_time);

-- The next offset to apply, changed in the transaction of the effects: this row is what fences a zombie.
CREATE TABLE consumer_offset (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    cluster_id text NOT NULL,
    topic_id text NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- Events applied by handlers whose effect has no natural unique key.
CREATE TABLE inbox (
    day date NOT NULL,
    handler text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (day, handler, event_id)
) PARTITION BY RANGE (day);
CREATE TABLE inbox_default PARTITION OF inbox DEFAULT;

CREATE TABLE dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    record text COLLATE "C",
    value bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    reason text COLLATE "C" NOT NULL,
    error text NOT NULL,
    status text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'REPLAYED', 'DISCARDED')),
    actor text,
    create_time timestamptz NOT NULL,
    resolve_time timestamptz,
    UNIQUE (topic, partition, record_offset),
    CHECK ((status = 'OPEN') = (resolve_time IS NULL))
);
CREATE INDEX dead_letter_open ON dead_letter (topic, key) WHERE status = 'OPEN';

-- Events waiting for their cause, or behind a dead letter or parked event of the same key, in arrival order.
CREATE TABLE parked_event (
    parked_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    waits_for text NOT NULL,
    create_time timestamptz NOT NULL,
    UNIQUE (topic, partition, record_offset)
);
CREATE INDEX parked_event_key ON parked_event (topic, key);

-- Events of a type newer than the build, kept for `paystream events replay` after the upgrade.
CREATE TABLE skipped_event (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, record_offset)
);
"""

# The service's role cannot create tables, so the days of the inbox are made by a function that runs as the owner; by
# builds of before `add_time_partition`.
_INBOX_DAYS_V1 = """
CREATE FUNCTION keep_inbox_days(ahead date[], oldest date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
<<block>>
DECLARE
    day date;
    old text;
BEGIN
    FOREACH day IN ARRAY ahead LOOP
        -- Events that came before their day's table stay where they are, or the table could not be made.
        CONTINUE WHEN EXISTS (SELECT FROM inbox_default d WHERE d.day = block.day);
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF inbox FOR VALUES FROM (%L) TO (%L)',
                       'inbox_' || to_char(day, 'YYYYMMDD'), day, day + 1);
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'inbox'::regclass AND c.relname < 'inbox_' || to_char(oldest, 'YYYYMMDD')
          AND c.relname ~ '^inbox_[0-9]{8}$'
    LOOP
        EXECUTE format('DROP TABLE %I', old);
    END LOOP;
    DELETE FROM inbox_default d WHERE d.day < oldest;
END $$
"""

_REFUSE_STATE_V1 = """
CREATE OR REPLACE FUNCTION refuse_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is % and cannot become %', TG_TABLE_NAME, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$
"""


def _keyed_by_topic_id(table: str, constraint: str, kind: str) -> str:
    """Return the statement that gives a table of set-aside events the topic's id, and has its unique key include it."""
    return f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'topic_id') THEN
        ALTER TABLE {table} ADD COLUMN topic_id text COLLATE "C" NOT NULL DEFAULT '', DROP CONSTRAINT {constraint};
        ALTER TABLE {table} ADD {kind} (topic, topic_id, partition, record_offset);
    END IF;
END $$
"""


_LATER = (
    # How far business time is ahead of real time, on a development stack; no row is as good as 0.
    """
CREATE TABLE IF NOT EXISTS clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    offset_us bigint NOT NULL CHECK (offset_us >= 0)
)
""",
    # The epoch of the partition's leader that wrote the last record applied, -1 where none was told: a log that was cut
    # back since does not know it at that offset.
    """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'consumer_offset'::regclass AND attname = 'leader_epoch') THEN
        ALTER TABLE consumer_offset ADD COLUMN leader_epoch integer NOT NULL DEFAULT -1 CHECK (leader_epoch >= -1);
    END IF;
END $$
""",
    # Offsets begin anew in a topic that was made again: what was set aside is known by the topic's id as well, which
    # is '' in rows from before.
    _keyed_by_topic_id("dead_letter", "dead_letter_topic_partition_record_offset_key", "UNIQUE"),
    _keyed_by_topic_id("parked_event", "parked_event_topic_partition_record_offset_key", "UNIQUE"),
    _keyed_by_topic_id("skipped_event", "skipped_event_pkey", "PRIMARY KEY"),
    # Partitions that are not consumed until what stopped them is gone, and when that is looked at next. Real time.
    """
CREATE TABLE IF NOT EXISTS consumer_halt (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    reason text COLLATE "C" NOT NULL,
    explanation text NOT NULL,
    tries integer NOT NULL CHECK (tries >= 0),
    since timestamptz NOT NULL,
    next_try timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
)
""",
    # What people decided about halted partitions: kept for good. Real time.
    """
CREATE TABLE IF NOT EXISTS consumer_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('RESUME', 'SKIP', 'ADOPT')),
    record_offset bigint CHECK ((record_offset IS NULL) = (kind = 'RESUME') AND record_offset >= 0),
    topic_id text NOT NULL,
    replaced text,
    reason text NOT NULL,
    actor text NOT NULL,
    create_time timestamptz NOT NULL,
    apply_time timestamptz
)
""",
    """
CREATE INDEX IF NOT EXISTS consumer_decision_pending ON consumer_decision (topic, partition) WHERE apply_time IS NULL
""",
    # A key, or a whole topic (key NULL), of which Kafka refused a row, for as long as rows of it wait in outbox_held.
    """
CREATE TABLE IF NOT EXISTS outbox_hold (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C",
    outbox_id bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    error text NOT NULL,
    tries integer NOT NULL CHECK (tries >= 0),
    refuse_time timestamptz NOT NULL,
    retry_time timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (topic, key)
)
""",
    # Rows of the outbox that wait behind a refusal, with the ids that they had there.
    """
CREATE TABLE IF NOT EXISTS outbox_held (
    id bigint PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    dataschema text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text COLLATE "C",
    value bytea,
    header_names text[],
    header_values bytea[]
)
""",
    "CREATE INDEX IF NOT EXISTS outbox_held_topic ON outbox_held (topic, id)",
    "CREATE INDEX IF NOT EXISTS outbox_held_key ON outbox_held (topic, key, id)",
    # The id up to which the outbox has no row, and will have none: where a relay begins to look that takes the lead.
    """
CREATE TABLE IF NOT EXISTS outbox_position (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    settled_id bigint NOT NULL
)
""",
    *partition_schema.STATEMENTS,
    *idempotency_schema.STATEMENTS,
    *dead_letter_schema.STATEMENTS,
    # Batches: how many events a row holds, ids for each of them (ID_STEP of outbox_batches), and no second compression.
    """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'outbox'::regclass AND attname = 'events') THEN
        ALTER TABLE outbox ADD COLUMN events integer NOT NULL DEFAULT 1,
            ADD CONSTRAINT outbox_events CHECK (events BETWEEN 1 AND 1000) NOT VALID,  -- No row there is read for it.
            ALTER COLUMN value SET STORAGE EXTERNAL;
        EXECUTE format('ALTER SEQUENCE %s INCREMENT BY 1000', pg_get_serial_sequence('outbox', 'id'));
    END IF;
END $$
""",
    # Where older builds have been, batches begin when somebody says that these have ended.
    """
CREATE TABLE IF NOT EXISTS outbox_format (one boolean PRIMARY KEY DEFAULT true CHECK (one), batches boolean NOT NULL)
""",
    "INSERT INTO outbox_format (batches) VALUES (false) ON CONFLICT DO NOTHING",
)


def create_v1() -> None:
    """Make the first version of the runtime's tables in the schema being migrated."""
    run_script(_V1)
    _op().execute(_INBOX_DAYS_V1)


def complete(connection: "Connection") -> None:
    """Make what came after the first version, in the schema that the search path names."""
    for statement in _LATER:
        connection.exec_driver_sql(statement)


def version() -> int:
    """Count what came after the first version: a build needs no less, and stands more."""
    return len(_LATER)


def run_script(script: str) -> None:
    """Run statements separated by semicolons at line ends; comments are allowed, function bodies are not."""
    for statement in script.split(";\n"):
        if statement.strip():
            _op().execute(statement)


def _op() -> Any:
    """Return Alembic's operations on the schema being migrated."""
    # Whoever asks for the version alone, as every service does when it starts, has no use for what importing it takes.
    from alembic import op  # noqa: PLC0415

    return op


def revoke(table: str, *privileges: str) -> str:
    """Return the statement that takes privileges on a table away from the service's role (current schema's name)."""
    service = _op().get_context().opts["service"]
    return f'REVOKE {", ".join(privileges)} ON "{table}" FROM "paystream_{service}"'


def grant(table: str, *privileges: str) -> str:
    """Return the statement that gives the service's role privileges on a table, as `revoke` takes them."""
    service = _op().get_context().opts["service"]
    return f'GRANT {", ".join(privileges)} ON "{table}" TO "paystream_{service}"'


def keep_creating_calls(table: str) -> None:
    """Add the columns of `paykit.cause.CreatingCall` to a table, each request key at most once."""
    _op().execute(f"""
        ALTER TABLE "{table}" ADD COLUMN request_key bytea CHECK (length(request_key) = 16),
            ADD COLUMN request_hash bytea CHECK ((request_key IS NULL) = (request_hash IS NULL))
    """)
    _op().execute(f'CREATE UNIQUE INDEX {table}_request_key ON "{table}" (request_key) WHERE request_key IS NOT NULL')


def keep_labels(table: str) -> None:
    """Add the columns of `paykit.merchants.labels.Labels` to a table that has a merchant_id."""
    _op().execute(f"""
        ALTER TABLE "{table}" ADD COLUMN merchant_reference text COLLATE "C",
            ADD COLUMN metadata text NOT NULL DEFAULT '{{}}',
            ADD CONSTRAINT {table}_merchant_reference_key UNIQUE (merchant_id, merchant_reference)
    """)


def guard_states(table: str, allowed: Sequence[tuple[str, str]]) -> None:
    """Have the database refuse every change of a table's `state` but these, whoever writes the row.

    An update that leaves the state alone is not touched, and pays for one comparison. The refusal is a
    check_violation of the constraint `<table>_state_guard`. Calling it again, in a later migration, replaces the list.

    Args:
        table: With a column `state`.
        allowed: Pairs of the state before and the state after.
    """
    pairs = ", ".join(f"('{old}', '{new}')" for old, new in allowed)
    _op().execute(_REFUSE_STATE_V1)
    _op().execute(f"""
        CREATE OR REPLACE TRIGGER {table}_state_guard BEFORE UPDATE ON "{table}" FOR EACH ROW
        WHEN (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({pairs}))
        EXECUTE FUNCTION refuse_state()
    """)
