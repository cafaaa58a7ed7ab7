"""Tables in partitions by time: the partitions of the days to come are made, and those past retention dropped.

Where a row comes before its partition is there, it goes into the default partition, which every such table has: no
statement fails for want of one. The days of its rows are not made any more, and it is emptied row by row.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import asyncpg

from paykit.postgres import faults
from paykit.postgres.database import Database, Tx
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import Lane, Share

AHEAD_PERIODS = 3
"""Periods after the present one whose partitions are there: for so long nobody need make any."""
LOCK_TIMEOUTS_MS = (20, 20, 20, 20, 40, 40, 80, 80, 160)
"""How long each try to change a table waits for those who use it. Who comes later waits behind it, and so at first for
no longer than calls do before they are put aside."""
TRY_PAUSE_S = 0.25
"""Between two tries, in which those who waited get through."""
DEFAULT_ROWS_MAX = 20_000
"""Old rows of a default partition that are deleted in one transaction."""

_LIST = "SELECT name, first, following FROM time_partition WHERE parent = $1 ORDER BY first"
_ADD = "SELECT add_time_partition($1, $2, $3, $4)"
_DROP = "SELECT drop_time_partition($1, $2, $3)"
_EPOCH = date(1970, 1, 1)


class DatedBy(StrEnum):
    """What the days of a table's rows are taken from."""

    DATABASE = "database"
    """The clock of PostgreSQL."""
    BUSINESS = "business"
    """Business time, which a development stack can move ahead; what is old is decided by real time as well."""


@dataclass(frozen=True, kw_only=True)
class TimePartitions:
    """What a table in partitions by time declares.

    Attributes:
        table: Partitioned by the range of one column of type date, with a default partition `<table>_default`.
        kept: How long a partition is kept after the end of its period, at least; at most two periods longer.
        period_days: The days of one partition, counted from 1970-01-01.
        column: The date.
        dated_by: What the dates are taken from.
        fillfactor: Of each partition, in percent.
    """

    table: str
    kept: timedelta
    period_days: int = 1
    column: str = "day"
    dated_by: DatedBy = DatedBy.DATABASE
    fillfactor: int = 100

    def period_of(self, day: date) -> "DayRange":
        """Return the period in which a day lies."""
        first = day - timedelta(days=(day - _EPOCH).days % self.period_days)
        return DayRange(first, first + timedelta(days=self.period_days))


@dataclass(frozen=True, slots=True)
class DayRange:
    """The days from `first` on, before `following`."""

    first: date
    following: date


@dataclass(frozen=True, slots=True)
class TimePartition:
    """A partition that is there."""

    name: str
    period: DayRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What three clocks say, in UTC."""

    database: datetime
    process: datetime
    business: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionChanges:
    """What is to be done about a table's partitions.

    Attributes:
        missing: Periods without a partition, the present one and those ahead, in order.
        old: Partitions to drop, the oldest first.
        oldest: The first day that is kept: older rows of the default partition are deleted.
    """

    missing: Sequence[DayRange]
    old: Sequence[TimePartition]
    oldest: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What came of it.

    Attributes:
        missing: Periods that have no partition all the same.
        overdue: For how long the oldest partition could have been dropped; zero where there is none.
        more: Whether the default partition may have further old rows.
    """

    missing: int
    overdue: timedelta
    more: bool


def plan(declared: TimePartitions, there: Sequence[TimePartition], clocks: Clocks) -> PartitionChanges:
    """Decide what is missing, and what is old by all clocks: one that is ahead of the others makes nothing old."""
    dated = clocks.business if declared.dated_by is DatedBy.BUSINESS else clocks.database
    oldest = (_least(declared, clocks) - declared.kept).date()
    days = [dated.date() + timedelta(days=declared.period_days * ahead) for ahead in range(AHEAD_PERIODS + 1)]
    covered = {partition.period for partition in there}
    return PartitionChanges(
        missing=[period for day in days if (period := declared.period_of(day)) not in covered],
        old=[partition for partition in there if partition.period.following <= oldest],
        oldest=oldest,
    )


async def keep(database: Database, declared: TimePartitions, *, clocks: Clocks | None = None) -> Kept:
    """Make the partitions that a table lacks and drop those that are old, each in a transaction of its own.

    What others use for too long is left for the next time.

    Args:
        database: Of the service.
        declared: The table.
        clocks: What they say; asked for where it is not given.

    Raises:
        UnavailableError: PostgreSQL cannot be reached.
    """
    if clocks is None:
        clocks = await database.transaction(_clocks)
    todo = plan(declared, await database.transaction(lambda tx: _partitions(tx, declared)), clocks)
    for period in todo.missing:
        await _change(database, _ADD, declared.table, period.first, period.following, declared.fillfactor)
    for partition in todo.old:
        await _change(database, _DROP, declared.table, partition.name, todo.oldest)
    more = await database.transaction(lambda tx: _delete_from_default(tx, declared, todo.oldest))
    left = plan(declared, await database.transaction(lambda tx: _partitions(tx, declared)), clocks)
    return Kept(missing=len(left.missing), overdue=_overdue(declared, left.old, clocks), more=more)


async def _clocks(tx: Tx) -> Clocks:
    [row] = await tx.fetch("SELECT now() AS now")
    return Clocks(database=row["now"], process=datetime.now(UTC), business=tx.now)


async def _partitions(tx: Tx, declared: TimePartitions) -> list[TimePartition]:
    rows = await tx.fetch(_LIST, declared.table)
    return [TimePartition(row["name"], DayRange(row["first"], row["following"])) for row in rows]


async def _change(database: Database, statement: str, *arguments: object) -> None:
    """Run a statement that locks a table, for as long as nobody is kept waiting by it; several times if need be."""
    for timeout_ms in LOCK_TIMEOUTS_MS:
        lane = Lane(share=Share.JOBS, lock_timeout_ms=timeout_ms)
        try:
            await database.transaction(lambda tx: tx.fetch(statement, *arguments), lane=lane)
        except asyncpg.CheckViolationError:  # The default partition has rows of this period, and keeps them.
            return
        except Exception as error:
            if faults.sort(error) not in {Fault.LOCKED, Fault.CONFLICT}:
                raise
            await asyncio.sleep(TRY_PAUSE_S)
        else:
            return


async def _delete_from_default(tx: Tx, declared: TimePartitions, oldest: date) -> bool:
    name = f'"{declared.table}_default"'
    chosen = f"SELECT ctid FROM {name} WHERE {declared.column} < $1 LIMIT $2"
    deleted = await tx.run(f"DELETE FROM {name} WHERE ctid = ANY(ARRAY({chosen}))", oldest, DEFAULT_ROWS_MAX)
    return deleted == DEFAULT_ROWS_MAX


def _least(declared: TimePartitions, clocks: Clocks) -> datetime:
    real = min(clocks.database, clocks.process)
    return min(real, clocks.business) if declared.dated_by is DatedBy.BUSINESS else real


def _overdue(declared: TimePartitions, old: Sequence[TimePartition], clocks: Clocks) -> timedelta:
    if not old:
        return timedelta()
    end = datetime.combine(old[0].period.following, datetime.min.time(), tzinfo=UTC)
    return _least(declared, clocks) - declared.kept - end
