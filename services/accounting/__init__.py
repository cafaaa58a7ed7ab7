"""Accounting: the double-entry ledger.

Where a payment becomes a journal: `handlers.on_payment_success` -> `booking.book` (chart) -> `posting.post`.

Tables (all records): chart_in_use, currency, account, balance, transaction, entry, refusal.
RPCs: CreateTransaction BatchCreateTransactions ReverseTransaction GetTransaction ListTransactions GetAccount
    ListAccounts GetBalance ListEntries GetTrialBalance.
Topics: payment.events (PaymentSuccess, RefundSuccess, Dispute*), settlement.events (SettlementCreated, ReserveReleased)
    and withdrawal.events (but WithdrawalApproved and -Submitted) in; accounting.events out (AccountCreated,
    TransactionCreated, TransactionRejected).

| file | holds |
|---|---|
| chart.py, charts/*.toml | kinds of account and the entries of each event, proved to balance |
| booking.py | what each event books: its names and amounts, in a table |
| life.py | what is booked in several steps, and which step may follow which |
| domain.py | transactions and the refusals of the ledger |
| journal.py | manual journals and reversals |
| posting.py | books transactions: replays, floors, balances, events |
| commands.py | what callers ask for: manual journals, reversals |
| store.py, reading.py | SQL of posting; SQL of the reading calls |
| books.py | `paystream ledger balances`: the books by kind, and what is in transit |
| verification.py | `paystream ledger verify`: everything recomputed from the entries |

Invariants: in each transaction and currency debits equal credits; a balance is the sum of its entries' effects; entries
and transactions never change; a transaction is booked once per (transaction_type, related_no), for its id is the UUIDv5
of the pair; it is reversed at most once, for the same reason; no account falls below its kind's floor; what a dispute,
settlement or withdrawal has put in transit is taken out once, by as much; what was refused to an event for good is
never booked.
"""
