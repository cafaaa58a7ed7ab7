"""What the payment service is made of."""

from functools import partial

from paykit.channels import statement_lines
from paykit.channels.overdue import REPORT_EVERY_S
from paykit.consume.delivery import Handle, Subscription
from paykit.contradictions import open_contradictions
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import events
from services.payment import commands, handlers, jobs, rpc

_KEEP_ORDER = Handle(handler=handlers.on_order_changed, deduplication="natural", rebuild=handlers.on_order_changed)
_CLOSE_ORDER = Handle(handler=handlers.on_order_closed, deduplication="natural", rebuild=handlers.on_order_changed)

SERVICE = Service(
    name="payment",
    locks=("return_erasure", "order", "payment", "attempt", "dispute", "merchant_funds", "contact"),
    records=(
        "payment",
        "capture",
        "refund",
        "refund_share",
        "refund_hold",
        "dispute",
        "dispute_report",
        "dispute_file",
        "attempt",
        "evidence",
        "late_capture",
        "unmatched_evidence",
        "contradiction",
        "contact",
        "return_erasure",
    ),
    projections=("merchant", "merchant_fee", "order", "merchant_funds"),
    servicers=rpc.servicers,
    on_start=jobs.channels.require_channels,
    subscriptions=(
        merchant_projection.subscription(handlers.on_merchant_changed),
        Subscription(
            topic="order.events",
            handles={
                order_events.OrderCreated: _KEEP_ORDER,
                order_events.OrderPaid: _KEEP_ORDER,
                order_events.OrderCancelled: _CLOSE_ORDER,
                order_events.OrderExpired: _CLOSE_ORDER,
            },
            # What of an order was refunded is payment's own word.
            ignores=frozenset({order_events.OrderRefunded.RECORD}),
        ),
        Subscription(
            topic="accounting.events",
            handles={
                accounting_events.TransactionCreated: Handle(
                    handler=handlers.on_transaction_created,
                    deduplication="inbox",
                    commutative=True,
                    rebuild=handlers.keep_funds,
                ),
            },
            ignores=frozenset({accounting_events.AccountCreated.RECORD, accounting_events.TransactionRejected.RECORD}),
        ),
        statement_lines.subscription(handlers.on_statement_evidence),
    ),
    consumers=1,
    concludes=(
        events.PaymentActionRequired,
        events.PaymentAuthorized,
        events.PaymentSuccess,
        events.PaymentFailed,
        events.PaymentCancelled,
        events.CaptureFailed,
        events.RefundSuccess,
        events.RefundFailed,
        events.RefundReturned,
    ),
    emits=(
        events.PaymentCreated,
        events.PaymentAuthorized,
        events.PaymentSuccess,
        events.PaymentFailed,
        events.PaymentCancelled,
        events.PaymentUnknown,
        events.PaymentActionRequired,
        events.PaymentRerouted,
        events.AuthorizationExpiring,
        events.CaptureFailed,
        events.AttemptOverdue,
        events.PaymentContradicted,
        events.PaymentContradictionResolved,
        events.PaymentReversed,
        events.LateCaptureReceived,
        events.LateCaptureAccepted,
        events.RefundReturned,
        events.EvidenceUnmatched,
        events.RefundCreated,
        events.RefundSuccess,
        events.RefundFailed,
        events.RefundUnknown,
        events.DisputeInquiryOpened,
        events.DisputeOpened,
        events.DisputeExceeded,
        events.DisputeContested,
        events.DisputeDueSoon,
        events.DisputeWon,
        events.DisputeLost,
        events.DisputeOverturned,
        events.DisputeContradicted,
    ),
    jobs=(
        *(
            Job(name=name, run=partial(jobs.attempts.submit_attempts, lane=lane), every_s=1.0)
            for lane, name in enumerate(commands.SUBMISSION_JOBS)
        ),
        Job(name="inquire_attempts", run=jobs.attempts.inquire_attempts, every_s=0.5),
        Job(name="expire_unsent", run=jobs.attempts.expire_unsent, every_s=1.0),
        Job(name="expire_actions", run=jobs.attempts.expire_actions, every_s=1.0),
        Job(name="expire_authorizations", run=jobs.attempts.expire_authorizations, every_s=1.0),
        Job(name=commands.refund_funds.RELEASING_JOB, run=jobs.refunds.release_refunds, every_s=1.0),
        Job(name=commands.dispute.ANSWERING_JOB, run=jobs.disputes.respond_to_disputes, every_s=1.0),
        Job(name="report_overdue_attempts", run=jobs.overdue.report, every_s=REPORT_EVERY_S),
        Job(name="tell_overdue_attempts", run=jobs.overdue.tell, every_s=REPORT_EVERY_S),
        Job(name="remind_of_disputes", run=jobs.reminders.remind_of_disputes, every_s=jobs.reminders.REMIND_EVERY_S),
        Job(name="warn_of_expiries", run=jobs.reminders.warn_of_expiries, every_s=jobs.reminders.REMIND_EVERY_S),
        Job(name="retry_late_refunds", run=jobs.contradictions.retry_refunds, every_s=1.0),
        Job(name="erase_returns", run=jobs.returns.erase_returns, every_s=jobs.returns.ERASE_EVERY_S),
        Job(
            name="report_contradictions",
            run=jobs.contradictions.report,
            every_s=open_contradictions.REPORT_EVERY_S,
        ),
    ),
)
