"""What the settlement service is made of."""

from paykit.consume.delivery import Handle, ShapeLane, Subscription
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.accounting.v1 import events as accounting_events
from paystream.settlement.v1 import events
from services.settlement import handlers, jobs, rpc
from services.settlement.domain import quick_item

COLLECTED_AT_ONCE_MAX = 9_000
"""Transactions collected at once: each settlement that they come into is one row to update, and that of a thousand
merchants costs more than their items."""

SERVICE = Service(
    name="settlement",
    locks=("balance_watch", "settlement", "fund_transfer"),
    records=("settlement", "item", "narrow_item", "fund_transfer", "balance_watch"),
    projections=("merchant", "balance_change", "merchant_balance"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="accounting.events",
            batch_records_max=COLLECTED_AT_ONCE_MAX,
            handles={
                accounting_events.TransactionCreated: Handle(
                    handler=handlers.on_transaction_created,
                    rebuild=handlers.keep_balances,
                    fast_lane=ShapeLane(specialize=quick_item.specialize),
                ),
                accounting_events.TransactionRejected: Handle(handler=handlers.on_transaction_rejected),
            },
            ignores=frozenset({accounting_events.AccountCreated.RECORD}),
        ),
        merchant_projection.subscription(handlers.on_merchant_changed, rebuild=handlers.keep_policies),
    ),
    consumers=2,
    emits=(
        *(events.SettlementCreated, events.SettlementCompleted, events.SettlementFailed, events.ReserveReleased),
        *(events.ReserveConsumed, events.ReserveExtended, events.BalanceRecovered, events.MerchantBalanceNegative),
        *(events.SettlementCarried, events.ReserveReleaseRefused),
    ),
    jobs=(
        Job(name="close_settlements", run=jobs.close_settlements, every_s=0.5),
        Job(name="release_reserves", run=jobs.release_reserves, every_s=1.0),
        Job(name="recover_balances", run=jobs.recover_balances, every_s=0.5),
        Job(name="report_due", run=jobs.report_due, every_s=jobs.REPORT_EVERY_S),
        Job(name="report_balances", run=jobs.report_balances, every_s=jobs.REPORT_EVERY_S),
    ),
)
