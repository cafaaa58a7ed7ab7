"""What the withdrawal service is made of."""

from paykit.channels import statement_lines
from paykit.channels.overdue import REPORT_EVERY_S
from paykit.consume.delivery import Handle, Subscription
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.payment.v1 import events as payment_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events
from services.withdrawal import commands, handlers, jobs, rpc

_CONTRADICTION = Handle(handler=handlers.on_contradiction, rebuild=handlers.on_contradiction)

SERVICE = Service(
    name="withdrawal",
    locks=("bank_account", "withdrawal", "attempt", "allowance"),
    records=(
        *("bank_account", "allowance", "withdrawal", "attempt", "evidence", "contradiction"),
        "unmatched_evidence",
    ),
    projections=("merchant", "credit", "credit_total", "settlement_balance", "open_contradiction"),
    servicers=rpc.servicers,
    subscriptions=(
        merchant_projection.subscription(handlers.on_merchant_changed),
        Subscription(
            topic="settlement.events",
            handles={
                settlement_events.SettlementCompleted: Handle(
                    handler=handlers.on_settlement_completed, rebuild=handlers.on_settlement_completed
                ),
            },
            ignores=frozenset(
                {
                    settlement_events.SettlementCreated.RECORD,
                    settlement_events.SettlementFailed.RECORD,
                    settlement_events.SettlementCarried.RECORD,
                    settlement_events.ReserveReleaseRefused.RECORD,
                    settlement_events.ReserveReleased.RECORD,
                    settlement_events.ReserveConsumed.RECORD,
                    settlement_events.ReserveExtended.RECORD,
                    settlement_events.BalanceRecovered.RECORD,
                    settlement_events.MerchantBalanceNegative.RECORD,
                }
            ),
        ),
        Subscription(
            topic="payment.events",
            handles={
                payment_events.PaymentContradicted: _CONTRADICTION,
                payment_events.DisputeContradicted: _CONTRADICTION,
                payment_events.PaymentContradictionResolved: Handle(
                    handler=handlers.on_contradiction_resolved, rebuild=handlers.on_contradiction_resolved
                ),
            },
            # Of payments nothing matters here but what two people are to decide.
            ignores=frozenset(
                event.RECORD
                for event in (
                    payment_events.PaymentCreated,
                    payment_events.PaymentAuthorized,
                    payment_events.PaymentSuccess,
                    payment_events.PaymentFailed,
                    payment_events.PaymentCancelled,
                    payment_events.PaymentUnknown,
                    payment_events.PaymentActionRequired,
                    payment_events.PaymentRerouted,
                    payment_events.AuthorizationExpiring,
                    payment_events.CaptureFailed,
                    payment_events.AttemptOverdue,
                    payment_events.PaymentReversed,
                    payment_events.LateCaptureReceived,
                    payment_events.LateCaptureAccepted,
                    payment_events.RefundCreated,
                    payment_events.RefundSuccess,
                    payment_events.RefundFailed,
                    payment_events.RefundUnknown,
                    payment_events.RefundReturned,
                    payment_events.DisputeInquiryOpened,
                    payment_events.DisputeOpened,
                    payment_events.DisputeExceeded,
                    payment_events.DisputeContested,
                    payment_events.DisputeDueSoon,
                    payment_events.DisputeWon,
                    payment_events.DisputeLost,
                    payment_events.DisputeOverturned,
                    payment_events.EvidenceUnmatched,
                )
            ),
        ),
        Subscription(
            topic="accounting.events",
            handles={
                accounting_events.TransactionCreated: Handle(
                    handler=handlers.on_transaction_created, rebuild=handlers.keep_funds, deduplication="inbox"
                ),
                accounting_events.TransactionRejected: Handle(handler=handlers.on_transaction_rejected),
            },
            ignores=frozenset({accounting_events.AccountCreated.RECORD}),
        ),
        statement_lines.subscription(handlers.on_statement_evidence),
    ),
    consumers=1,
    concludes=(
        events.WithdrawalCompleted,
        events.WithdrawalFailed,
        events.WithdrawalRejected,
        events.WithdrawalCancelled,
        events.WithdrawalReturned,
    ),
    emits=(
        events.WithdrawalCreated,
        events.WithdrawalApproved,
        events.WithdrawalRejected,
        events.WithdrawalCancelled,
        events.WithdrawalSubmitted,
        events.WithdrawalCompleted,
        events.WithdrawalFailed,
        events.WithdrawalReturned,
        events.WithdrawalPaidLate,
        events.WithdrawalBounced,
        events.WithdrawalContradicted,
        events.WithdrawalContradictionResolved,
        events.EvidenceUnmatched,
        events.WithdrawalUnknown,
        events.AttemptOverdue,
        events.BankAccountCreated,
        events.BankAccountVerified,
        events.BankAccountDisabled,
    ),
    jobs=(
        # The hold of the ledger comes as an event, whose handler cannot wake a job: so these look often.
        *(Job(name=lane, run=jobs.submit_withdrawals, every_s=0.25) for lane in commands.SUBMISSION_JOBS),
        Job(name="inquire_withdrawals", run=jobs.inquire_withdrawals, every_s=0.5),
        Job(name="report_contradictions", run=jobs.report_contradictions, every_s=REPORT_EVERY_S),
        Job(name="report_blocked_withdrawals", run=jobs.report_blocked, every_s=REPORT_EVERY_S),
        Job(name="report_overdue_withdrawals", run=jobs.report_overdue, every_s=REPORT_EVERY_S),
        Job(name="tell_overdue_withdrawals", run=jobs.tell_overdue, every_s=REPORT_EVERY_S),
    ),
    on_start=jobs.require_bank,
)
