"""Every SQL statement of withdrawal."""

from services.withdrawal.store.allowance import give_back_funds, lock_allowances, read_allowances, take_funds
from services.withdrawal.store.attempt import ATTEMPTS_SHOWN_MAX, ClaimedPayout, attempts
from services.withdrawal.store.bank_account import BankAccountFilter, bank_accounts
from services.withdrawal.store.credit import Credit, merchant_credits
from services.withdrawal.store.merchant import MerchantProfile, merchants
from services.withdrawal.store.withdrawal import WithdrawalFilter, withdrawals

__all__ = [
    "ATTEMPTS_SHOWN_MAX",
    "BankAccountFilter",
    "ClaimedPayout",
    "Credit",
    "MerchantProfile",
    "WithdrawalFilter",
    "attempts",
    "bank_accounts",
    "give_back_funds",
    "lock_allowances",
    "merchant_credits",
    "merchants",
    "read_allowances",
    "take_funds",
    "withdrawals",
]
