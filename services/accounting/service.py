"""What the accounting service is made of."""

from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.channel.v1 import events as channel_events
from paystream.payment.v1 import events as payment_events
from paystream.reconciliation.v1 import events as reconciliation_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.accounting import handlers, jobs, rpc, store

SERVICE = Service(
    name="accounting",
    locks=("journal_proposal", "balance"),
    records=(
        *("chart_in_use", "currency", "account", "balance", "transaction_type", "journal", "leg", "refusal"),
        *("chart_version", "journal_proposal", "period", "former_transaction", "former_entry"),
        *("archived_month", "carried", "archived_transaction", "booked_alone_sum", "booked_alone_summed"),
    ),
    servicers=rpc.servicers,
    subscriptions=tuple(
        handlers.subscription(module.EVENTS)
        for module in (payment_events, settlement_events, withdrawal_events, channel_events, reconciliation_events)
    ),
    consumers=2,
    emits=accounting_events.EVENTS,
    on_start=jobs.keep_chart,
    jobs=(
        Job(name="report_imbalance", run=jobs.report_imbalance, every_s=jobs.IMBALANCE_EVERY_S),
        Job(name="keep_months", run=jobs.keep_months, every_s=jobs.MONTHS_EVERY_S),
        Job(name="move_former", run=jobs.move_former, every_s=jobs.MOVE_EVERY_S),
    ),
    on_migrate=store.bring_tables,
)
