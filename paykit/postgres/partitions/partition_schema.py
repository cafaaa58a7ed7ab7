"""The functions that make and drop partitions as the owner of a schema, whose tables the service's role cannot change.

They do so for tables of which the service may delete rows, and for no others.
"""

_ADVISORY_SPACE = 0x7061_7074

# The first day that is in a partition, and the first that is not any more. A default partition has none.
_LIST = r"""
CREATE OR REPLACE VIEW time_partition AS
SELECT p.relname::text AS parent, c.relname::text AS name,
    bound.days[1]::date AS first, bound.days[2]::date AS following
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''([0-9-]+)''\) TO \(''([0-9-]+)''\)$')
        AS bound (days)
WHERE p.relkind = 'p' AND p.relnamespace = current_schema()::regnamespace AND bound.days IS NOT NULL
"""

_BEGIN_CHANGE = f"""
CREATE OR REPLACE FUNCTION begin_partition_change(parent text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Two processes at once would both find it undone.
    PERFORM pg_advisory_xact_lock({_ADVISORY_SPACE}, hashtext(current_schema() || '.' || parent));
    IF NOT has_table_privilege('paystream_' || current_schema(),
                               format('%I.%I', current_schema(), parent), 'DELETE') THEN
        RAISE insufficient_privilege USING MESSAGE = format('the rows of %s are not to be deleted', parent);
    END IF;
END $$
"""

# ATTACH, for CREATE TABLE ... PARTITION OF would lock everybody out of the whole table. What it locks is the default
# partition alone, to see that no row of the new period is there: where one is, it fails.
_ADD = """
CREATE OR REPLACE FUNCTION add_time_partition(parent text, first date, following date, fill integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := parent || '_' || to_char(first, 'YYYYMMDD');
BEGIN
    PERFORM begin_partition_change(parent);
    IF to_regclass(format('%I.%I', current_schema(), name)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (fillfactor = %s)', name, parent, fill);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent, name, first, following);
    END IF;
END $$
"""

# It waits for those who use the table, and those who come later wait behind it: for as long as the caller's
# lock_timeout says. PostgreSQL removes the files when the locks are given back.
_DROP = """
CREATE OR REPLACE FUNCTION drop_time_partition(parent text, name text, oldest date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM begin_partition_change(parent);
    IF EXISTS (SELECT FROM time_partition p WHERE (p.parent, p.name) = ($1, $2) AND p.following <= oldest) THEN
        EXECUTE format('DROP TABLE %I', name);
    END IF;
END $$
"""

STATEMENTS = (_LIST, _BEGIN_CHANGE, _ADD, _DROP)
"""Made in every schema; they change nothing where they are there already."""
