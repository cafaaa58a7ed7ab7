"""The table `idempotency_claim`: calls with a request id, by the day of their transaction.

A claim stands in each day of which a piece lies within OVERLAP_MIN before its transaction began: in the hour after
midnight in two. So two transactions with the same request id meet in one of them wherever midnight lies between them,
unless one is older than the overlap; that one cannot store its reply any more, and ends without effect.

Builds of before claim in `idempotency_key`, whose triggers have both tables tell the same for as long as there are
some.
"""

OVERLAP_MIN = 60
"""Minutes. A clock of the server that is set back by less loses nothing either."""

LAST_DAY = "(now() AT TIME ZONE 'UTC')::date"
"""The last day in which the transaction claims, in SQL. The database's time, which all processes share."""
FIRST_DAY = f"(now() AT TIME ZONE 'UTC' - interval '{OVERLAP_MIN} minutes')::date"
"""The first one."""

_TABLE = """
CREATE TABLE IF NOT EXISTS idempotency_claim (
    caller text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    request_id uuid NOT NULL,
    day date NOT NULL,
    request_hash bytea NOT NULL,
    reply bytea, -- Null in the transaction that claims, and never once it is committed.
    PRIMARY KEY (caller, method, request_id, day)
) PARTITION BY RANGE (day)
"""
_DEFAULT = """
CREATE TABLE IF NOT EXISTS idempotency_claim_default PARTITION OF idempotency_claim DEFAULT WITH (fillfactor = 80)
"""

# So that no claim comes before its day's partition; the service makes the days after these.
_FIRST_DAYS = """
SELECT add_time_partition('idempotency_claim', day, day + 1, 80)
FROM (SELECT (now() AT TIME ZONE 'UTC')::date + ahead AS day FROM generate_series(0, 1) AS ahead) AS days
WHERE NOT EXISTS (SELECT FROM idempotency_claim_default)
"""

# What a build of before claims. Where a call is known from here, its reply is put where that build looks for it; one
# that is in its own table already conflicts by itself.
_CLAIM_AS_WELL = f"""
CREATE OR REPLACE FUNCTION claim_as_well() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    days integer := {LAST_DAY} - {FIRST_DAY} + 1;
    claimed integer;
    known idempotency_claim;
BEGIN
    IF EXISTS (SELECT FROM idempotency_key k
               WHERE (k.caller, k.method, k.request_id) = (NEW.caller, NEW.method, NEW.request_id)) THEN
        RETURN NEW;
    END IF;
    INSERT INTO idempotency_claim (caller, method, request_id, day, request_hash)
    SELECT NEW.caller, NEW.method, NEW.request_id, {FIRST_DAY} + later, NEW.request_hash
    FROM generate_series(0, days - 1) AS later ORDER BY later
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    SELECT * INTO known FROM idempotency_claim c
    WHERE (c.caller, c.method, c.request_id) = (NEW.caller, NEW.method, NEW.request_id)
        AND c.day BETWEEN {LAST_DAY} - 1 AND {LAST_DAY} + 1 AND c.reply IS NOT NULL
    LIMIT 1;
    IF known.reply IS NULL THEN
        IF claimed < days THEN
            RAISE serialization_failure USING MESSAGE = 'a claim vanished between two statements';
        END IF;
        RETURN NEW;
    END IF;
    DELETE FROM idempotency_claim c
    WHERE (c.caller, c.method, c.request_id) = (NEW.caller, NEW.method, NEW.request_id)
        AND c.day BETWEEN {FIRST_DAY} AND {LAST_DAY} AND c.reply IS NULL;
    INSERT INTO idempotency_key (caller, method, request_id, request_hash, reply, create_time)
    VALUES (NEW.caller, NEW.method, NEW.request_id, known.request_hash, known.reply, NEW.create_time)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
_STORE_AS_WELL = f"""
CREATE OR REPLACE FUNCTION store_as_well() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE idempotency_claim c SET reply = NEW.reply
    WHERE (c.caller, c.method, c.request_id) = (NEW.caller, NEW.method, NEW.request_id)
        AND c.day BETWEEN {FIRST_DAY} AND {LAST_DAY} AND c.reply IS NULL;
    RETURN NULL;
END $$
"""
_RELEASE_AS_WELL = f"""
CREATE OR REPLACE FUNCTION release_as_well() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM idempotency_claim c
    WHERE (c.caller, c.method, c.request_id) = (OLD.caller, OLD.method, OLD.request_id)
        AND c.day BETWEEN {FIRST_DAY} AND {LAST_DAY} AND c.reply IS NULL;
    RETURN NULL;
END $$
"""

# A row without a reply is its transaction's own; what housekeeping deletes has one.
_TRIGGERS = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'idempotency_key'::regclass AND tgname = 'claim_as_well') THEN
        CREATE TRIGGER claim_as_well BEFORE INSERT ON idempotency_key FOR EACH ROW
            WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION claim_as_well();
        CREATE TRIGGER store_as_well AFTER UPDATE ON idempotency_key FOR EACH ROW EXECUTE FUNCTION store_as_well();
        CREATE TRIGGER release_as_well AFTER DELETE ON idempotency_key FOR EACH ROW
            WHEN (OLD.reply IS NULL) EXECUTE FUNCTION release_as_well();
    END IF;
END $$
"""

STATEMENTS = (_TABLE, _DEFAULT, _FIRST_DAYS, _CLAIM_AS_WELL, _STORE_AS_WELL, _RELEASE_AS_WELL, _TRIGGERS)
"""Made in every schema; they change nothing where they are there already."""
