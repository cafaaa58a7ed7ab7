"""Every SQL statement of withdrawal."""

from services.withdrawal.store import attempts, bank_accounts, funds, merchants, withdrawals

__all__ = ["attempts", "bank_accounts", "funds", "merchants", "withdrawals"]
