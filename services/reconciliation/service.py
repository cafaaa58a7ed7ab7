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
from services.reconciliation.domain.movement import FACTS

_LIST = Handle(handler=handlers.on_contradiction)
_END = Handle(handler=handlers.on_contradiction_resolved)
_MOVED = Handle(handler=handlers.on_money_moved, rebuild=handlers.keep_movements)
_UNMATCHED = Handle(handler=handlers.on_evidence_unmatched, rebuild=handlers.keep_evidence)
_HANDLED: Mapping[type[Event], Handle] = {
    **dict.fromkeys(FACTS, _MOVED),
    payment_events.PaymentContradicted: _LIST,
    payment_events.DisputeContradicted: _LIST,
    payment_events.PaymentContradictionResolved: _END,
    payment_events.EvidenceUnmatched: _UNMATCHED,
    withdrawal_events.WithdrawalContradicted: _LIST,
    withdrawal_events.WithdrawalContradictionResolved: _END,
    withdrawal_events.EvidenceUnmatched: _UNMATCHED,
}


def _money(topic_events: Sequence[type[Event]]) -> Subscription:
    """Subscribe to a topic for what moves money at channels and what contradicts: nothing else of it matters here."""
    return Subscription(
        topic=topic_events[0].TOPIC,
        handles={event: _HANDLED[event] for event in topic_events if event in _HANDLED},
        ignores=frozenset(event.RECORD for event in topic_events if event not in _HANDLED),
    )


SERVICE = Service(
    name="reconciliation",
    locks=("rule_set", "discrepancy", "statement"),
    records=(
        *("discrepancy", "correction", "rule_set", "statement_file"),
        *("statement", "statement_line", "open_line", "line_outcome", "open_movement", "movement_outcome"),
        *("open_booking", "open_evidence"),
        # Triggers of `uncleared` keep these, also when that is rebuilt.
        *("debt_balance", "open_debt"),
    ),
    projections=(
        *("uncleared", "cleared_line", "ledger_account_kind", "internal_transaction", "unmoved_attempt"),
        *("movement_booking", "unattributed_evidence"),
    ),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="accounting.events",
            handles={
                accounting_events.TransactionCreated: Handle(
                    handler=handlers.on_transaction_created, rebuild=handlers.keep_transactions, deduplication="inbox"
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
                    handler=handlers.on_line, rebuild=handlers.keep_lines, deduplication="inbox"
                ),
                channel_events.ChannelStatementClosed: Handle(handler=handlers.on_statement_closed),
            },
        ),
        _money(payment_events.EVENTS),
        _money(withdrawal_events.EVENTS),
    ),
    consumers=1,
    emits=events.EVENTS,
    jobs=(
        # What is to be matched comes with events, whose handlers cannot wake a job: so these look often.
        Job(name="match_lines", run=jobs.match_lines, every_s=0.5),
        # Woken by nothing: what a process that matched and died has left.
        Job(name="end_discrepancies", run=jobs.end_discrepancies, every_s=5.0),
        Job(name="reconcile_statements", run=jobs.reconcile_statements, every_s=1.0),
        Job(name="list_evidence", run=jobs.list_evidence, every_s=1.0),
        Job(name="list_one_sided", run=jobs.list_one_sided, every_s=1.0),
        Job(name="report_discrepancies", run=jobs.report_discrepancies, every_s=jobs.REPORT_EVERY_S),
        Job(name="report_statements", run=jobs.report_statements, every_s=jobs.REPORT_EVERY_S),
        Job(name="report_uncleared", run=jobs.report_uncleared, every_s=jobs.REPORT_EVERY_S),
    ),
)
