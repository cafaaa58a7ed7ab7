"""What the accounting service is made of."""

from paykit.runtime.delivery import Handle, Subscription
from paykit.runtime.runtime import Runtime
from paykit.runtime.service import Service
from paystream.accounting.v1 import events as accounting_events
from paystream.payment.v1 import events as payment_events
from services.accounting import charts, handlers, rpc, store
from services.accounting.chart import ChartError


async def check_chart(runtime: Runtime) -> None:
    """Note the chart at the first start, and refuse another one ever after.

    Raises:
        ChartError: The ledger is kept by another chart than the settings name.
    """
    wanted = charts.load(runtime.settings.accounting_chart).name
    kept = await runtime.transaction(lambda tx: store.keep_chart(tx, wanted))
    if kept != wanted:
        raise ChartError(f"this ledger is kept by the chart {kept!r}; PAYSTREAM_ACCOUNTING_CHART names {wanted!r}")


SERVICE = Service(
    name="accounting",
    records=("chart_in_use", "currency", "account", "balance", "transaction", "entry"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="payment.events",
            handles={
                payment_events.PaymentSuccess: Handle(handler=handlers.on_payment_success),
                payment_events.RefundSuccess: Handle(handler=handlers.on_refund_success),
            },
            ignores=frozenset(
                event.RECORD
                for event in payment_events.EVENTS
                if event not in {payment_events.PaymentSuccess, payment_events.RefundSuccess}
            ),
        ),
    ),
    consumers=2,
    emits=accounting_events.EVENTS,
    on_start=check_chart,
)
