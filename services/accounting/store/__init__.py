"""Every SQL statement of accounting."""

from services.accounting.store import books, verification
from services.accounting.store.account import AccountFilter, accounts
from services.accounting.store.account_flow import AccountFlow, account_flows
from services.accounting.store.balance import add_to_balances, balance_of, imbalances, lock_floored_balances
from services.accounting.store.chart import chart_in_use, chart_names, keep_chart, keeps_newest, load_chart
from services.accounting.store.currency import bring_currencies
from services.accounting.store.period import OpenBooks, close_books, open_books, periods
from services.accounting.store.proposal import JournalProposalFilter, journal_proposals
from services.accounting.store.refusal import RefusalRow, refusals
from services.accounting.store.statement import statement, trial_balance
from services.accounting.store.transaction import TransactionFilter, transactions

__all__ = [
    "AccountFilter",
    "AccountFlow",
    "JournalProposalFilter",
    "OpenBooks",
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
    "close_books",
    "imbalances",
    "journal_proposals",
    "keep_chart",
    "keeps_newest",
    "load_chart",
    "lock_floored_balances",
    "open_books",
    "periods",
    "refusals",
    "statement",
    "transactions",
    "trial_balance",
    "verification",
]
