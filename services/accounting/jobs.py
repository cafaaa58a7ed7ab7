"""What accounting does once, when it starts."""

from paykit.postgres import faults
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.accounting import store

BOOKS_TRIES_MAX = 10
"""Of 2 s each: twice as long as PostgreSQL lets a transaction stand whose process has stopped."""


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
