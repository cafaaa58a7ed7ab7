"""The business operations of withdrawal: lock, decide, save, emit."""

from services.withdrawal.commands import bank_accounts, evidence, folding, holds, withdrawals

__all__ = ["bank_accounts", "evidence", "folding", "holds", "withdrawals"]
