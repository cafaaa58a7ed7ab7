"""What accounting does once, when it starts."""

from paykit.process.runtime import Runtime
from services.accounting import store
from services.accounting.domain.chart import ChartError


async def keep_chart(runtime: Runtime) -> None:
    """Note the chart at the first start, and refuse another one ever after.

    Raises:
        ChartError: The ledger is kept by another chart than the settings name.
    """
    named = store.load_chart(runtime.settings.accounting_chart).name
    kept = await runtime.transaction(lambda tx: store.keep_chart(tx, named))
    if kept != named:
        raise ChartError(f"this ledger is kept by the chart {kept!r}; PAYSTREAM_ACCOUNTING_CHART names {named!r}")
