"""What the reconciliation service is made of."""

from paykit.consume.delivery import Handle, Subscription
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.channel.v1 import events as channel_events
from paystream.reconciliation.v1 import events
from services.reconciliation import handlers, jobs, rpc

SERVICE = Service(
    name="reconciliation",
    locks=("discrepancy",),
    records=("discrepancy", "correction"),
    projections=("uncleared", "ledger_account_kind"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="accounting.events",
            handles={
                accounting_events.TransactionCreated: Handle(
                    handler=handlers.on_transaction_created, rebuild=handlers.keep_uncleared, deduplication="inbox"
                ),
                accounting_events.TransactionRejected: Handle(handler=handlers.on_transaction_rejected),
                accounting_events.AccountCreated: Handle(
                    handler=handlers.on_account_created, rebuild=handlers.on_account_created
                ),
            },
        ),
        Subscription(
            topic="channel.events",
            handles={
                channel_events.ChannelTransactionReported: Handle(
                    handler=handlers.on_line, rebuild=handlers.on_line, deduplication="inbox"
                ),
            },
            ignores=frozenset({channel_events.ChannelStatementClosed.RECORD}),
        ),
    ),
    consumers=1,
    emits=events.EVENTS,
    jobs=(Job(name="report_uncleared", run=jobs.report_uncleared, every_s=jobs.REPORT_EVERY_S),),
)
