"""What accounting does once, when it starts."""

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.accounting import store


async def keep_chart(runtime: Runtime) -> None:
    """Note the chart at the first start, take a version of it that has more later, and refuse any other.

    Nobody books meanwhile.

    Raises:
        ChartError: The chart of the settings is wrong, or the ledger cannot be kept by it.
    """
    chart = store.load_chart(runtime.settings.accounting_chart)

    async def keep(tx: Tx) -> None:
        await store.close_books(tx)
        await store.keep_chart(tx, chart)

    await runtime.transaction(keep)
