"""Every SQL statement of accounting."""

from services.accounting.store import books, former, journal, plain, verification
from services.accounting.store.account import AccountFilter, accounts
from services.accounting.store.balance import (
    add_to_balances,
    balance_of,
    balances_of,
    imbalances,
    lock_floored_balances,
)
from services.accounting.store.chart import chart_in_use, chart_names, keep_chart, keeps_newest, load_chart
from services.accounting.store.period import OpenBooks, close_books, open_books, periods
from services.accounting.store.reference import bring_tables
from services.accounting.store.refusal import RefusalRow, refusals
from services.accounting.store.statement import statement, trial_balance
from services.accounting.store.transaction import CreatedTransactions, transactions
from services.accounting.store.transaction_page import TransactionFilter
from services.accounting.store.two_people.booked_alone import booked_alone
from services.accounting.store.two_people.proposal import JournalProposalFilter, journal_proposals
from services.accounting.store.verification.account_flow import AccountFlow, account_flows

__all__ = [
    "AccountFilter",
    "AccountFlow",
    "CreatedTransactions",
    "JournalProposalFilter",
    "OpenBooks",
    "RefusalRow",
    "TransactionFilter",
    "account_flows",
    "accounts",
    "add_to_balances",
    "balance_of",
    "balances_of",
    "booked_alone",
    "books",
    "bring_tables",
    "chart_in_use",
    "chart_names",
    "close_books",
    "former",
    "imbalances",
    "journal",
    "journal_proposals",
    "keep_chart",
    "keeps_newest",
    "load_chart",
    "lock_floored_balances",
    "open_books",
    "periods",
    "plain",
    "refusals",
    "statement",
    "transactions",
    "trial_balance",
    "verification",
]
