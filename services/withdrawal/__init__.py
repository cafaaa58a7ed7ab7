"""Withdrawals: merchants take out what was settled for them.

| part | where |
|---|---|
| a withdrawal: states, transitions, events | `domain.py`, SQL in `store.py` |
| a bank account | `bank_account.py`, `bank_account_*.py` |
| balance and daily limit | `allowance.py`; credits and what was taken of them: SQL in `funds_store.py` |
| accepting, approving, rejecting | `commands.py`, called by `rpc.py` |
| the ledger's hold, or its refusal | `holds.py`, called by `handlers.py` |
| a call to the bank | `attempt.py`, SQL in `attempt_store.py`, both on `paykit.channels.attempts`; made by `jobs.py` |
| the bank's answers, inquiries and callbacks | `evidence.py`, called by `jobs.py` and `rpc.py` |
| what it knows of merchants: status and time zone | `merchant_store.py`, kept by `handlers.py` |
| several changes of one withdrawal in a batch | `folding.py` |

Records: `bank_account`, `allowance`, `withdrawal`, `attempt`, `evidence`. Projections: `merchant` (of merchant.events),
`credit`, `credit_total` (of settlement.events, and of adjustments in accounting.events).

RPCs: GetWithdrawableBalance, CreateWithdrawal, ApproveWithdrawal, RejectWithdrawal, GetWithdrawal, ListWithdrawals,
ReportBankResult; CreateBankAccount, GetBankAccount, ListBankAccounts, VerifyBankAccount, DisableBankAccount. Topics in:
merchant.events, settlement.events, accounting.events. Topics out: withdrawal.events.

Invariants: what is withdrawn or on the way never exceeds what was settled, adjustments of the ledger included, when a
withdrawal is accepted; nothing goes to the bank before the ledger holds the amount and, above the limit, before another
person than the requester approved it; the bank is called at most once per withdrawal; a withdrawal that ended stays as
it ended, but that a completed one can be returned; an unknown outcome counts as withdrawn.
"""
