"""What the withdrawal service is made of."""

from paykit.channels.overdue import REPORT_EVERY_S
from paykit.consume.delivery import Handle, Subscription
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events
from services.withdrawal import commands, handlers, jobs, rpc

SERVICE = Service(
    name="withdrawal",
    locks=("bank_account", "withdrawal", "attempt", "allowance"),
    records=("bank_account", "allowance", "withdrawal", "attempt", "evidence"),
    projections=("merchant", "credit", "credit_total", "settlement_balance"),
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
                    settlement_events.ReserveReleased.RECORD,
                    settlement_events.ReserveConsumed.RECORD,
                    settlement_events.ReserveExtended.RECORD,
                    settlement_events.BalanceRecovered.RECORD,
                    settlement_events.MerchantBalanceNegative.RECORD,
                }
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
    ),
    consumers=1,
    emits=(
        events.WithdrawalCreated,
        events.WithdrawalApproved,
        events.WithdrawalRejected,
        events.WithdrawalCancelled,
        events.WithdrawalSubmitted,
        events.WithdrawalCompleted,
        events.WithdrawalFailed,
        events.WithdrawalReturned,
    ),
    jobs=(
        # The hold of the ledger comes as an event, whose handler cannot wake a job: so these look often.
        *(Job(name=lane, run=jobs.submit_withdrawals, every_s=0.25) for lane in commands.SUBMISSION_JOBS),
        Job(name="inquire_withdrawals", run=jobs.inquire_withdrawals, every_s=0.5),
        Job(name="report_blocked_withdrawals", run=jobs.report_blocked, every_s=REPORT_EVERY_S),
        Job(name="report_overdue_withdrawals", run=jobs.report_overdue, every_s=REPORT_EVERY_S),
    ),
    on_start=jobs.require_bank,
)
