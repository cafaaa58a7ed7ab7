"""What the reconciliation service is made of."""

from collections.abc import Mapping

from paykit.consume.delivery import Handle, Subscription
from paykit.events import classes
from paykit.events.event import Event
from paykit.process.service import Job, Service
from paystream.channel.v1 import events as channel_events
from paystream.payment.v1 import events as payment_events
from paystream.reconciliation.v1 import events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.reconciliation import handlers, jobs, rpc
from services.reconciliation.domain.movement import FACTS

_MOVED = Handle(handler=handlers.on_money_moved, rebuild=handlers.keep_movements)
_CONTRADICTED = Handle(handler=handlers.on_contradicted)
_RESOLVED = Handle(handler=handlers.on_contradiction_resolved)
_HANDLED: Mapping[type[Event], Handle] = {
    **dict.fromkeys(FACTS, _MOVED),
    payment_events.PaymentContradicted: _CONTRADICTED,
    payment_events.DisputeContradicted: _CONTRADICTED,
    payment_events.EvidenceUnmatched: _CONTRADICTED,
    payment_events.PaymentContradictionResolved: _RESOLVED,
    withdrawal_events.WithdrawalContradicted: _CONTRADICTED,
    withdrawal_events.EvidenceUnmatched: _CONTRADICTED,
    withdrawal_events.WithdrawalContradictionResolved: _RESOLVED,
}


def _subscription(topic: str) -> Subscription:
    """What of a topic is about money at channels is handled; the rest says nothing that a statement tells of."""
    handles = {event: handle for event, handle in _HANDLED.items() if topic == event.TOPIC}
    handled = {event.RECORD for event in handles}
    return Subscription(topic=topic, handles=handles, ignores=frozenset(classes.records_of(topic)) - handled)


SERVICE = Service(
    name="reconciliation",
    locks=("rule_set", "discrepancy", "statement"),
    records=(
        *("statement", "statement_line", "open_line", "line_outcome", "open_movement", "movement_outcome"),
        *("discrepancy", "rule_set", "statement_file"),
    ),
    projections=("internal_transaction", "unmoved_attempt"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="channel.events",
            handles={
                channel_events.ChannelTransactionReported: Handle(handler=handlers.on_channel_transaction_reported),
                channel_events.ChannelStatementClosed: Handle(handler=handlers.on_channel_statement_closed),
            },
        ),
        _subscription("payment.events"),
        _subscription("withdrawal.events"),
    ),
    emits=(events.DiscrepancyDetected, events.DiscrepancyResolved, events.StatementReconciled),
    jobs=(
        # What is to be matched comes with events, whose handlers cannot wake a job: so these look often.
        Job(name="match_lines", run=jobs.match_lines, every_s=0.5),
        Job(name="reconcile_statements", run=jobs.reconcile_statements, every_s=1.0),
        Job(name="report_discrepancies", run=jobs.report_discrepancies, every_s=jobs.REPORT_EVERY_S),
    ),
)
