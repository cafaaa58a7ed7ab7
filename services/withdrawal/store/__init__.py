"""Every SQL statement of withdrawal."""

from services.withdrawal.store.allowance import change_funds, lock_allowances, read_allowances, take_funds
from services.withdrawal.store.attempt import ATTEMPTS_SHOWN_MAX, ClaimedPayout, attempts
from services.withdrawal.store.bank_account import BankAccountFilter, bank_accounts
from services.withdrawal.store.blocking import BLOCKED_REASONS, count_blocked
from services.withdrawal.store.contradiction import (
    ContradictionOf,
    contradictions,
    keep_open_contradictions,
    unmatched_evidence,
)
from services.withdrawal.store.credit import Credit, add_to_settlement_balances, merchant_credits
from services.withdrawal.store.merchant import merchants
from services.withdrawal.store.withdrawal import WithdrawalFilter, withdrawals

__all__ = [
    "ATTEMPTS_SHOWN_MAX",
    "BLOCKED_REASONS",
    "BankAccountFilter",
    "ClaimedPayout",
    "ContradictionOf",
    "Credit",
    "WithdrawalFilter",
    "add_to_settlement_balances",
    "attempts",
    "bank_accounts",
    "change_funds",
    "contradictions",
    "count_blocked",
    "keep_open_contradictions",
    "lock_allowances",
    "merchant_credits",
    "merchants",
    "read_allowances",
    "take_funds",
    "unmatched_evidence",
    "withdrawals",
]
