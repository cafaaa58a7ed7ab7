"""The SQL of periods, and of the books as one transaction may write them.

Who books holds the books' lock shared, who closes a period holds it alone: so nothing is dated into a period by one who
looked before it was closed. It is an advisory lock, for a row of its own would be written by every booking.
"""

from dataclasses import dataclass
from datetime import datetime

from paykit.errors import InvariantError
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from services.accounting.domain.chart import Chart
from services.accounting.domain.period import Period, PeriodState
from services.accounting.store.chart import chart_of

_BOOKS_LOCK = 0x626F_6F6B
"""Advisory lock of the books."""

_SELECT_OPEN_BOOKS = """
SELECT content_hash, (SELECT max(end_at) FROM period WHERE state = 'CLOSED') AS closed_through,
    EXISTS (SELECT FROM former_transaction) AS has_former,
    ARRAY(SELECT month FROM archived_month) AS archived_months, pg_advisory_xact_lock_shared($1)
FROM chart_version ORDER BY version DESC LIMIT 1
"""

_LOCK_BOOKS = "SELECT pg_advisory_xact_lock($1)"

_SELECT_CLOSED_THROUGH = "SELECT max(end_at) AS closed_through FROM period WHERE state = 'CLOSED'"


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """What a booking goes by.

    Attributes:
        chart: The one in use.
        closed_through: The end of what is closed; None if nothing is.
        has_former: Whether transactions stand in the former tables, which a booking has to look at then.
        archived_months: Months of ids whose transactions may have been archived, which a booking has to look at then.
    """

    chart: Chart
    closed_through: datetime | None
    has_former: bool
    archived_months: frozenset[int]


class AccountingPeriods(Table[str, Period]):
    """The table `period`."""

    async def list(self, tx: Tx, state: PeriodState | None, *, after: TimeKey | None, limit: int) -> list[Period]:
        """List periods of a state, or all, the latest end first, from after a key; no two end at the same time."""
        condition, args = where(("end_at < {}", after[0] if after else None), ("state = {}", state))
        return await self.select(tx, f"{condition} ORDER BY end_at DESC LIMIT ${len(args) + 1}", *args, limit)

    async def by_end(self, tx: Tx, end_at: datetime) -> Period | None:
        """Read the period that ends at a moment."""
        for period in await self.select(tx, "end_at = $1", end_at):
            return period
        return None


periods = AccountingPeriods(Period, "period", key="period_id", changing=("state", "closer", "update_time"))


async def open_books(tx: Tx) -> OpenBooks:
    """Return what to book by, and keep periods from being closed until the transaction ends.

    Raises:
        InvariantError: The service was never started on this database.
    """
    for row in await tx.fetch(_SELECT_OPEN_BOOKS, _BOOKS_LOCK):
        return OpenBooks(
            await chart_of(tx, row["content_hash"]),
            row["closed_through"],
            row["has_former"],
            frozenset(row["archived_months"]),
        )
    raise InvariantError("the ledger has no chart")


async def close_books(tx: Tx) -> datetime | None:
    """Keep all others from booking until the transaction ends; return the end of what is closed."""
    await tx.fetch(_LOCK_BOOKS, _BOOKS_LOCK)
    rows = await tx.fetch(_SELECT_CLOSED_THROUGH)
    closed_through: datetime | None = rows[0]["closed_through"]
    return closed_through
