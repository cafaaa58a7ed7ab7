"""What migrations change tables with while services work on them.

A statement that locks a table against writers must be short; how long it may wait, `paykit.process.upgrading`
sees to. What takes long must not lock: indexes are built beside the writers, and what new rows are held to at once is
checked on the old rows in a migration after that.
"""

from alembic import op


class MigrationDefectError(Exception):
    """A migration would hold writers up; it has to be written otherwise."""


_INDEX_STATE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"

_ADDED_HERE = """
SELECT xmin = pg_current_xact_id()::xid FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2
"""


def create_index(name: str, on: str, *, unique: bool = False) -> None:
    """Build an index while rows are written; it goes on where an interrupted build left an invalid one, from anew.

    Only a migration that says `concurrent = True`, and does nothing else, may do so: each of its statements is a
    transaction of its own, and all are run again when one did not end.

    Args:
        name: Of the index.
        on: Table, columns and condition: `payment (expire_time) WHERE expire_time IS NOT NULL`.
        unique: Refuse equal values; where there are some already the build fails, and writers were refused meanwhile.

    Raises:
        MigrationDefectError: The migration does not say `concurrent = True`.
    """
    if (valid := _state_of_index(name)) is True:
        return
    concurrently = _concurrently(name)
    if valid is False:
        _run(f'DROP INDEX {concurrently} "{name}"')
    _run(f'CREATE {"UNIQUE " if unique else ""}INDEX {concurrently} "{name}" ON {on}')


def drop_index(name: str) -> None:
    """Drop an index without holding up those who use its table; what is gone already is left alone.

    Raises:
        MigrationDefectError: The migration does not say `concurrent = True`.
    """
    _run(f'DROP INDEX {_concurrently(name)} IF EXISTS "{name}"')


def add_constraint(table: str, name: str, rule: str) -> None:
    """Hold new and changed rows to a rule, without reading the old ones: `validate_constraint`, a migration later.

    Args:
        table: Of the service.
        name: Of the constraint.
        rule: `CHECK (...)` or `FOREIGN KEY (...) REFERENCES ...`; what the old build writes has to keep it.
    """
    _run(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {rule} NOT VALID')


def validate_constraint(table: str, name: str) -> None:
    """Hold the old rows to it too, reading all of them while others write.

    Raises:
        MigrationDefectError: The constraint was added by the same migration, which locks writers out until it ends.
    """
    parameters = (f'"{table}"', name)
    if _works_under_traffic() and op.get_bind().exec_driver_sql(_ADDED_HERE, parameters).scalar():
        raise MigrationDefectError(f"{name} was added by this migration: validate it in the next one")
    _run(f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"')


def _state_of_index(name: str) -> bool | None:
    """Return whether an index can be used; None where there is none."""
    valid = op.get_bind().exec_driver_sql(_INDEX_STATE, (f'"{name}"',)).scalar()
    return None if valid is None else bool(valid)


def _concurrently(name: str) -> str:
    """Return the word for it; a new schema is made in one transaction, which nobody waits for."""
    if not _works_under_traffic():
        return ""
    if not op.get_context().opts["concurrent"]:
        raise MigrationDefectError(f"{name}: a migration that builds or drops indexes says `concurrent = True`")
    return "CONCURRENTLY"


def _works_under_traffic() -> bool:
    return bool(op.get_context().opts["traffic"])


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
