"""Every SQL statement of accounting."""

from services.accounting.store import books, verification
from services.accounting.store.account import AccountFilter, accounts
from services.accounting.store.account_flow import AccountFlow, account_flows
from services.accounting.store.balance import add_to_balances, balance_of, lock_floored_balances
from services.accounting.store.chart import chart_in_use, chart_names, keep_chart, load_chart
from services.accounting.store.currency import bring_currencies
from services.accounting.store.refusal import RefusalRow, refusals
from services.accounting.store.statement import statement, trial_balance
from services.accounting.store.transaction import TransactionFilter, transactions

__all__ = [
    "AccountFilter",
    "AccountFlow",
    "RefusalRow",
    "TransactionFilter",
    "account_flows",
    "accounts",
    "add_to_balances",
    "balance_of",
    "books",
    "bring_currencies",
    "chart_in_use",
    "chart_names",
    "keep_chart",
    "load_chart",
    "lock_floored_balances",
    "refusals",
    "statement",
    "transactions",
    "trial_balance",
    "verification",
]
