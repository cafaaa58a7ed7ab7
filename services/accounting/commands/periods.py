"""Closing periods: two people ask for the same end."""

from collections.abc import Sequence

from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import fold
from services.accounting import domain, store
from services.accounting.domain.period import ClosePeriod, Period, PeriodState


async def close_periods(tx: Tx, items: Sequence[ClosePeriod]) -> list[Period | DomainError]:
    """Propose or close periods; one result per item, in order. Nothing is booked meanwhile.

    Refusals: of `period.close`.

    Rows: period.
    """
    closed_through = await store.close_books(tx)
    ends = {item.end_at for item in items}
    found = [await store.periods.by_end(tx, end_at) for end_at in sorted(ends)]
    rows = store.periods.rows(tx, [period for period in found if period is not None])
    by_end = {period.end_at: period for period in rows.values()}
    known = set(by_end)

    def close(item: ClosePeriod) -> Period:
        nonlocal closed_through
        before = by_end.get(item.end_at)
        period = domain.period.close(item, before, period_id=new_id("per"), closed_through=closed_through, now=tx.now)
        if period is not before:
            by_end[item.end_at] = rows.put(period) if item.end_at in known else rows.add(period)
        if period.state is PeriodState.CLOSED:
            closed_through = max(closed_through or period.end_at, period.end_at)
        return period

    results = fold(items, close)
    await tx.save(rows)
    return results
