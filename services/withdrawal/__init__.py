"""Withdrawals: merchants take out what was settled for them.

| part | where |
|---|---|
| a withdrawal: states, transitions, events | `domain/withdrawal.py`, SQL in `store/withdrawal.py` |
| a bank account | `bank_account.py` in `domain`, `store`, `commands` and `rpc` |
| balance and limits | `domain/allowance.py`; SQL in `store/allowance.py` (taken), `store/credit.py` (given) |
| accepting, approving, rejecting, cancelling | `commands/withdrawal.py`, called by `rpc/withdrawal.py` |
| sending, and what stops it | `commands/submission.py`, called by `jobs.py`; SQL in `store/blocking.py` |
| the ledger's hold, or its refusal | `commands/hold.py`, called by `handlers.py` |
| a call to the bank | `domain/attempt.py`, SQL in `store/attempt.py`, both on `paykit.channels`; made by `jobs.py` |
| the bank's answers, inquiries and callbacks | `commands/evidence.py`, called by `jobs.py` and `rpc/withdrawal.py` |
| lines of its statements, taken as evidence | `handlers.py`, on `paykit.channels.statement_lines` |
| payouts that are overdue, told once | `domain/reminder.py`, `commands/reminder.py`, called by `jobs.py` |
| what it says later | the table in `domain/late_rules.py`; `domain/late_word.py`, `commands/late_word.py` |
| what two people decide | `contradiction.py` in `store`, `commands` and `rpc`, on `paykit.contradictions` |
| what it knows of merchants: standing and payout hold | `store/merchant.py`, kept by `handlers.py` |
| locked withdrawals and what is queued for them | `commands/work.py` |

Records: `bank_account`, `allowance`, `withdrawal`, `attempt`, `evidence`, `unmatched_evidence`, `contradiction`.
Projections: `merchant` (of merchant.events), `open_contradiction` (of payment.events),
`credit`, `credit_total` (of settlement.events, and of adjustments in accounting.events), `settlement_balance` (of
accounting.events).

RPCs of WithdrawalService: GetWithdrawableBalance CreateWithdrawal CancelWithdrawal GetWithdrawal ListWithdrawals
CreateBankAccount GetBankAccount ListBankAccounts DisableBankAccount.
RPCs of ChannelCallbackService: ReportBankResult.
RPCs of WithdrawalOperationsService: ApproveWithdrawal RejectWithdrawal ListContradictions GetContradiction
ProposeResolution ApproveResolution RejectResolution ListUnmatchedEvidence VerifyBankAccount ListWithdrawalsToDecide
ListBlockedWithdrawals.
Topics in: merchant.events, settlement.events, payment.events, accounting.events,
reconciliation.events. Topics out: withdrawal.events.

Invariants: what is withdrawn or on the way never exceeds what was settled, adjustments of the ledger included, when a
withdrawal is accepted; nothing goes to the bank before the ledger holds the amount and, above the limit, before another
person than the requester approved it, nor while the merchant or its bank account is stopped; the bank is called at most
once per withdrawal; the last new word of the bank is believed, what may be out counts as withdrawn, and what is
withdrawn is the sum of what withdrawals take.
"""
