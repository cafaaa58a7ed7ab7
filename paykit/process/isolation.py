"""Jobs whose rows fail alone: a bad row is set aside for a while, and the others of its batch are done.

A batch that fails is divided until what fails is one row. That row is told of, counted, and tried again by itself,
later and later. What is known of failing rows is the process's: another one finds them by itself.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog
from prometheus_client import Gauge

from paykit.postgres import faults
from paykit.postgres.claims import Claims, RowKey, TooMuchAtOnceError
from paykit.postgres.database import Database, Tx
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import JOB, JOB_PART, Lane

T = TypeVar("T")

RETRY_PAUSE_FIRST_S = 1.0
"""Before a failing row is tried again; doubled with each failure, up to RETRY_PAUSE_MAX_S."""
RETRY_PAUSE_MAX_S = 300.0
RETRIED_AT_ONCE_MAX = 20
"""Failing rows tried again in one run of a job."""
FAILURES_PER_RUN_MAX = 20
"""Rows that may fail in one run; with more, the job itself fails, for that is a bad deployment and not bad data."""
ROWS_ASIDE_MAX = 1_000
"""Failing rows that a job passes by."""

FAILING = Gauge(
    "paystream_job_rows_failing", "Rows that a job cannot do, and passes by for a while.", ["service", "job_name"]
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingRow:
    """A row that is passed by until a time of the monotonic clock."""

    failures: int
    retry_at_s: float


class FailingRows:
    """The failing rows of one job, or of one part of it, such as a channel.

    Args:
        service: Whose job it is.
        job: Its name.
        parts: Those of all its parts, which are counted together; None where it has none.
    """

    def __init__(self, *, service: str, job: str, parts: "Collection[FailingRows] | None" = None) -> None:
        self._service, self._job = service, job
        self._parts = (self,) if parts is None else parts
        self._rows: dict[RowKey, FailingRow] = {}

    @property
    def keys(self) -> list[RowKey]:
        """Return which they are."""
        return list(self._rows)

    @property
    def resting(self) -> list[RowKey]:
        """Return those that are not to be tried again yet."""
        now_s = time.monotonic()
        return [key for key, row in self._rows.items() if row.retry_at_s > now_s]

    def due(self) -> list[RowKey]:
        """Return those that are to be tried again, at most RETRIED_AT_ONCE_MAX."""
        now_s = time.monotonic()
        return [key for key, row in self._rows.items() if row.retry_at_s <= now_s][:RETRIED_AT_ONCE_MAX]

    def set_aside(self, key: RowKey, error: Exception) -> None:
        """Pass a row by that failed.

        Raises:
            Exception: The error, where too many are passed by already.
        """
        if key not in self._rows and len(self._rows) >= ROWS_ASIDE_MAX:
            raise error
        failures = self._rows[key].failures + 1 if key in self._rows else 1
        pause_s = _pause_s(failures)
        self._rows[key] = FailingRow(failures=failures, retry_at_s=time.monotonic() + pause_s)
        _log.error(
            "job_row_failed",
            service=self._service,
            job=self._job,
            row=key,
            failures=failures,
            retry_after_s=pause_s,
            error=f"{type(error).__name__}: {error}",
            # Once is enough: the rows that fail after it mostly fail alike, and again and again.
            exc_info=error if len(self._rows) == failures == 1 else None,
        )
        self._count()

    def postpone(self, keys: Collection[RowKey]) -> None:
        """Have rows tried again a pause later that could not be tried now."""
        for key in keys:
            if (row := self._rows.get(key)) is not None:
                self._rows[key] = replace(row, retry_at_s=time.monotonic() + _pause_s(row.failures))

    def forgive(self, keys: Collection[RowKey]) -> None:
        """Take rows back that were done, or are not there any more."""
        for key in keys:
            self._rows.pop(key, None)
        self._count()

    def _count(self) -> None:
        FAILING.labels(self._service, self._job).set(sum(len(part.keys) for part in self._parts))


async def do_each(failing: FailingRows, keys: Sequence[RowKey], do: Callable[[RowKey], Awaitable[T]]) -> list[T]:
    """Do something for each key but those that failed lately; one that fails is passed by, and the others are done.

    Raises:
        UnavailableError: PostgreSQL, or what is called, cannot be reached.
    """
    due, passed_by = set(failing.due()), set(failing.keys)
    results = []
    for key in keys:
        if key in passed_by and key not in due:
            continue
        try:
            results.append(await do(key))
        except Exception as error:
            if not _concerns_rows(error):
                raise
            failing.set_aside(key, error)
        else:
            failing.forgive([key])
    return results


class Isolation(Generic[T]):
    """One run of a job's transaction, in as many as its failing rows need.

    Args:
        database: The service's.
        failing: The job's failing rows.
        work: Takes rows by `Table.claim_where`, or by `tx.claims`, and does what is due of each.
        done: Whether a row is done when its transaction is; else it has only been taken, and who took it tells what
            became of it.
    """

    def __init__(
        self, database: Database, failing: FailingRows, work: Callable[[Tx], Awaitable[T]], *, done: bool = True
    ) -> None:
        self._database, self._failing, self._work, self._done = database, failing, work, done
        self._failures_left = FAILURES_PER_RUN_MAX
        self._results: list[T] = []

    async def run(self) -> list[T]:
        """Do what is due, and return what each transaction returned.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
            Exception: It failed before it took a row, or more rows fail than can be passed by.
        """
        for key in self._failing.due():
            await self._run_part([key])
        claims = Claims(without=self._failing.keys)
        try:
            self._results.append(await self._transact(claims, JOB))
        except Exception as error:
            if not (_concerns_rows(error) and claims.taken):
                raise
            await self._run_part(list(dict.fromkeys(claims.taken)))
        return self._results

    async def _run_part(self, keys: list[RowKey]) -> None:
        """Do some rows, or their halves where one of them fails."""
        claims = Claims(only=keys)
        try:
            self._results.append(await self._transact(claims, JOB_PART))
        except Exception as error:
            if not _concerns_rows(error):
                raise
            if len(keys) == 1:
                self._pass_by(keys[0], error)
                return
        else:
            kept = {*claims.waiting, *(() if self._done else claims.taken)}
            self._failing.postpone(claims.waiting)
            self._failing.forgive([key for key in keys if key not in kept])
            return
        middle = len(keys) // 2
        for half in (keys[:middle], keys[middle:]):
            await self._run_part(half)

    def _pass_by(self, key: RowKey, error: Exception) -> None:
        self._failing.set_aside(key, error)
        self._failures_left -= 1
        if not self._failures_left:
            raise error

    async def _transact(self, claims: Claims, lane: Lane) -> T:
        async def work(tx: Tx) -> T:
            claims.begin()
            tx.claims = claims
            return await self._work(tx)

        return await self._database.transaction(work, lane=lane)


def _concerns_rows(error: Exception) -> bool:
    return not isinstance(error, TooMuchAtOnceError) and faults.sort(error) in {Fault.UNEXPECTED, Fault.LOCKED}


def _pause_s(failures: int) -> float:
    # The exponent is bounded before the power, as a row can fail for months.
    return min(RETRY_PAUSE_FIRST_S * 2.0 ** min(failures - 1, 10), RETRY_PAUSE_MAX_S)
