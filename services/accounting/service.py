"""What the accounting service is made of."""

from collections.abc import Sequence

from paykit.consume.delivery import Handle, Subscription
from paykit.events.event import Event
from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paystream.accounting.v1 import events as accounting_events
from paystream.payment.v1 import events as payment_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.accounting import charts, handlers, rpc
from services.accounting.domain import booking
from services.accounting.domain.chart import ChartError
from services.accounting.store import postings as store


async def check_chart(runtime: Runtime) -> None:
    """Note the chart at the first start, and refuse another one ever after.

    Raises:
        ChartError: The ledger is kept by another chart than the settings name.
    """
    wanted = charts.load(runtime.settings.accounting_chart).name
    kept = await runtime.transaction(lambda tx: store.keep_chart(tx, wanted))
    if kept != wanted:
        raise ChartError(f"this ledger is kept by the chart {kept!r}; PAYSTREAM_ACCOUNTING_CHART names {wanted!r}")


def _others(events: Sequence[type[Event]]) -> frozenset[str]:
    """Name the records of a topic that move no money."""
    return frozenset(event.RECORD for event in events if event not in booking.RULES)


SERVICE = Service(
    name="accounting",
    records=("chart_in_use", "currency", "account", "balance", "transaction", "entry", "refusal"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="payment.events",
            handles={
                payment_events.PaymentSuccess: Handle(handler=handlers.on_payment_success),
                payment_events.RefundSuccess: Handle(handler=handlers.on_refund_success),
                payment_events.DisputeOpened: Handle(handler=handlers.on_dispute_opened),
                payment_events.DisputeWon: Handle(handler=handlers.on_dispute_won),
                payment_events.DisputeLost: Handle(handler=handlers.on_dispute_lost),
            },
            ignores=_others(payment_events.EVENTS),
        ),
        Subscription(
            topic="settlement.events",
            handles={
                settlement_events.SettlementCreated: Handle(handler=handlers.on_settlement_created),
                settlement_events.ReserveReleased: Handle(handler=handlers.on_reserve_released),
            },
            ignores=_others(settlement_events.EVENTS),
        ),
        Subscription(
            topic="withdrawal.events",
            handles={
                withdrawal_events.WithdrawalCreated: Handle(handler=handlers.on_withdrawal_created),
                withdrawal_events.WithdrawalRejected: Handle(handler=handlers.on_withdrawal_rejected),
                withdrawal_events.WithdrawalFailed: Handle(handler=handlers.on_withdrawal_failed),
                withdrawal_events.WithdrawalCompleted: Handle(handler=handlers.on_withdrawal_completed),
                withdrawal_events.WithdrawalReturned: Handle(handler=handlers.on_withdrawal_returned),
            },
            ignores=_others(withdrawal_events.EVENTS),
        ),
    ),
    consumers=2,
    emits=accounting_events.EVENTS,
    on_start=check_chart,
)
