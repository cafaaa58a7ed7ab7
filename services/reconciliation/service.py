"""What the reconciliation service is made of."""

from collections.abc import Mapping, Sequence

from paykit.consume.delivery import Handle, Subscription
from paykit.events.event import Event
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.channel.v1 import events as channel_events
from paystream.payment.v1 import events as payment_events
from paystream.reconciliation.v1 import events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.reconciliation import handlers, jobs, rpc

_LIST = Handle(handler=handlers.on_contradiction)
_END = Handle(handler=handlers.on_contradiction_resolved)
_CONTRADICTIONS: Mapping[type[Event], Handle] = {
    payment_events.PaymentContradicted: _LIST,
    payment_events.DisputeContradicted: _LIST,
    payment_events.PaymentContradictionResolved: _END,
    withdrawal_events.WithdrawalContradicted: _LIST,
    withdrawal_events.WithdrawalContradictionResolved: _END,
}


def _contradictions(topic_events: Sequence[type[Event]]) -> Subscription:
    """Subscribe to a topic for what contradicts: nothing else of payments and withdrawals matters here."""
    return Subscription(
        topic=topic_events[0].TOPIC,
        handles={event: _CONTRADICTIONS[event] for event in topic_events if event in _CONTRADICTIONS},
        ignores=frozenset(event.RECORD for event in topic_events if event not in _CONTRADICTIONS),
    )


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
        _contradictions(payment_events.EVENTS),
        _contradictions(withdrawal_events.EVENTS),
    ),
    consumers=1,
    emits=events.EVENTS,
    jobs=(Job(name="report_uncleared", run=jobs.report_uncleared, every_s=jobs.REPORT_EVERY_S),),
)
