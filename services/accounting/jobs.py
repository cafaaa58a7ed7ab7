"""What accounting does once, when it starts, and what it looks at from then on: whether its books balance."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial

import structlog
from prometheus_client import Gauge

from paykit.base.errors import UnavailableError
from paykit.postgres import faults
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.accounting import store

BOOKS_TRIES_MAX = 10
"""Of 2 s each: twice as long as PostgreSQL lets a transaction stand whose process has stopped."""
IMBALANCE_EVERY_S = 30.0
"""The wait between two looks at all balances, at least."""
IMBALANCE_S_MAX = 25.0
"""How long such a look may take."""
IMBALANCE_REST = 19
"""How many times as long as a look took nobody looks again: a twentieth of one connection, however large the ledger."""

MONTHS_EVERY_S = 3_600.0
"""The wait between two looks at whether the months to come have their tables."""
MOVE_EVERY_S = 60.0
"""The wait between two looks at whether something was booked before the journal, once there is nothing."""

IMBALANCE = Gauge(
    "paystream_ledger_imbalance_minor",
    "By how much debits exceed credits in all balances, in minor units of the currency: 0, or the books are wrong.",
    ["currency_code"],
)
CHECKED = Gauge(
    "paystream_ledger_checked_timestamp_seconds", "When all balances were last added up to the end; 0 before the first."
)
MONTHS = Gauge(
    "paystream_ledger_months_ahead",
    "Months of the journal that have a table of their own, from the present one on without a gap: 3 where all is well.",
)

_log = structlog.get_logger()


async def keep_chart(runtime: Runtime) -> None:
    """Note the chart at the first start, take a version of it that has more later, and refuse any other.

    Nobody books while a version is noted; any other start leaves the books alone.

    Raises:
        ChartError: The chart of the settings is wrong, or the ledger cannot be kept by it.
    """
    chart = store.load_chart(runtime.settings.accounting_chart)
    if await runtime.read(lambda tx: store.keeps_newest(tx, chart)):
        return

    async def keep(tx: Tx) -> None:
        await store.close_books(tx)
        await store.keep_chart(tx, chart)

    for tries_left in reversed(range(BOOKS_TRIES_MAX)):
        try:
            await runtime.transaction(keep)
        except Exception as error:
            if faults.sort(error) is not faults.Fault.LOCKED or not tries_left:
                raise
        else:
            return


async def report_imbalance(runtime: Runtime) -> bool:
    """Add up all balances on one snapshot and set the metrics; nothing is ever left to do at once.

    What is beyond 2^53 is rounded in a metric, but never to 0.
    """
    started = time.monotonic()
    try:
        imbalances = await runtime.read(partial(store.imbalances, within_s=IMBALANCE_S_MAX))
    except UnavailableError as error:
        # Also for having taken too long. The time of the last look shows that it is not known.
        _log.warning("imbalance_unknown", error=str(error))
    else:
        for currency_code, imbalance_minor in imbalances.items():
            IMBALANCE.labels(currency_code).set(imbalance_minor)
        CHECKED.set_to_current_time()
        if any(imbalances.values()):
            wrong = {code: str(minor) for code, minor in imbalances.items() if minor}
            _log.critical("ledger_imbalance", imbalance_minor=wrong)
    await asyncio.sleep((time.monotonic() - started) * IMBALANCE_REST)
    return False


async def keep_months(runtime: Runtime) -> bool:
    """Make the journal's months ahead of time; nothing is ever left to do at once."""
    MONTHS.set(await runtime.transaction(lambda tx: store.former.keep_months(tx, datetime.now(UTC))))
    return False


async def move_former(runtime: Runtime) -> bool:
    """Move what was booked before the journal into it, and rest as long as that took; True while there is more."""
    started = time.monotonic()
    if not await runtime.transaction(store.former.keep_months_to_move):
        return False
    moved = await runtime.transaction(store.former.move)
    await asyncio.sleep(time.monotonic() - started)
    return moved > 0
