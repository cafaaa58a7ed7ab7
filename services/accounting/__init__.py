"""Accounting: the double-entry ledger.

Where a payment becomes a journal: `handlers` -> `commands.events.book_events` -> `booking.book` -> `posting.post`; of
many at a time by patterns of what these make: `commands.plain.book_plainly`.

Tables (all records): chart_in_use, chart_version, currency, transaction_type, account, balance, journal, leg,
    refusal, journal_proposal, period, archived_month, carried, archived_transaction, booked_alone_sum,
    booked_alone_summed, and until all is moved former_transaction, former_entry; `transaction` and `entry` are views of
    them.
RPCs of AccountingService: GetTransaction ListTransactions GetAccount ListAccounts GetBalance ListEntries
GetMerchantBalances.
RPCs of AccountingOperationsService: CreateTransaction BatchCreateTransactions ReverseTransaction ProposeJournal
ApproveJournal RejectJournal GetJournalProposal ListJournalProposals ClosePeriod ListPeriods GetTrialBalance
ListAllTransactions ListAllAccounts.
Topics: payment.events, settlement.events, withdrawal.events, channel.events and reconciliation.events in, of which
    `domain/booked_event.py` says what is booked; accounting.events out (AccountCreated, TransactionCreated,
    TransactionRejected).

| what | where |
|---|---|
| which events are booked: names, amounts, what each ends, who waits | `domain/booked_event.py`, one table |
| kinds of account and the entries of each event, proved to balance | `charts/*.toml`, `domain/chart.py` |
| from an event to its transaction | `domain/booking.py`, called by `commands/events.py`, called by `handlers.py` |
| payments and refunds, many at a time: columns, and the patterns of what is booked alike | `domain/plain/` |
| booking by patterns | `commands/plain.py`, SQL in `store/plain.py` |
| corrections, whose accounts two people named | `domain/correction.py` |
| what is booked in several steps, and which step may follow which | `domain/lifecycle.py` |
| where entries go as far as funds are short | `domain/shortfall.py`, called by `commands/posting.py` |
| transactions, accounts and the refusals of the ledger | `domain/transaction.py` |
| ids of transactions, and the months that they are of | `domain/transaction_key.py` |
| accounts, opened for the first booking that needs them | `commands/opening.py` |
| booking: replays, floors, balances, events | `commands/posting.py`, SQL in `store/{journal,balance,account}.py` |
| what is booked: journal and legs, and an account's entries | `store/{journal,transaction,account_entries}.py` |
| what was booked before the journal, and is moved into it | `store/former.py`, `jobs.py` |
| manual journals and reversals | `domain/journal.py`, `commands/journals.py`, called by `rpc/accounting.py` |
| what one person may book alone, each on what was booked before | `commands/admission.py`, `store/two_people/` |
| proposed journals, periods | `domain/{proposal,period}.py`, `commands/{proposals,periods}.py` |
| statements, trial balances | `domain/statement.py`, SQL in `store/statement.py` |
| which chart a ledger is kept by, and can go on by | `store/chart.py`, `domain/chart_upgrade.py`, `jobs.py` |
| `paystream ledger verify`: all recomputed from the entries | `commands/verification.py`, `store/verification/` |
| what is open though it is right: suspense, debts, holds | `commands/open_matters.py`, `store/books.py` |
| `paystream ledger archive`: what is archived, and known of it | `domain/archive.py`, `store/archive/` |
| archiving a month: its files, the take-over, holding them against each other | `commands/archiving.py` |
| `paystream ledger balances`: the books by kind, and what is in transit | `store/books.py` |

Invariants: in each transaction and currency debits equal credits; a balance is the sum of its entries' effects; entries
and transactions never change; a transaction is booked once per (transaction_type, related_no), for its id follows from
the pair; it is reversed at most once, for the same reason; no account falls below its kind's floor; what a dispute,
settlement or withdrawal has put in transit is taken out once, by as much, a reserve in parts; what was refused to an
event for good is never booked; nothing is dated into a closed period; an archived month is carried forward as what its
transactions did.
"""
