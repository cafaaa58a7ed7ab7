"""Accounting: the double-entry ledger.

Where a payment becomes a journal: `handlers.on_payment_success` -> `domain.book_capture` (chart) -> `posting.post`.

Tables (all records): chart_in_use, currency, account, balance, transaction, entry.
RPCs: CreateTransaction BatchCreateTransactions ReverseTransaction GetTransaction ListTransactions GetAccount
    ListAccounts GetBalance ListEntries GetTrialBalance.
Topics: payment.events in (PaymentSuccess, RefundSuccess); accounting.events out (AccountCreated, TransactionCreated,
    TransactionRejected).

| file | holds |
|---|---|
| chart.py, charts/*.toml | kinds of account and the entries of each event, proved to balance |
| domain.py | transactions and the refusals of the ledger |
| journal.py | manual journals and reversals |
| posting.py | books transactions: replays, floors, balances, events |
| commands.py | what callers ask for: manual journals, reversals |
| store.py, reading.py | SQL of posting; SQL of the reading calls |
| verification.py | `paystream ledger verify`: everything recomputed from the entries |

Invariants: in each transaction and currency debits equal credits; a balance is the sum of its entries' effects; entries
and transactions never change; a transaction is booked once per (transaction_type, related_no), for its id is the UUIDv5
of the pair; it is reversed at most once, for the same reason; no account falls below its kind's floor.
"""
