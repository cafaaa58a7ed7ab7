"""Withdrawals: merchants take out what was settled for them.

| part | where |
|---|---|
| states, transitions, events of a withdrawal | `domain.py`; of a bank account: `bank_account.py` |
| balance and daily limit | `allowance.py`, kept by `funds_store.py` |
| accepting, approving, rejecting | `commands.py`, called by `rpc.py` |
| bank accounts | `accounts.py`, called by `account_rpc.py` |
| the ledger's hold, or its refusal | `holds.py`, called by `handlers.py` |
| the bank's answers, inquiries and callbacks | `evidence.py`, called by `jobs.py` and `rpc.py` |
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
