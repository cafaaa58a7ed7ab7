"""The rules of withdrawal: states, decisions and the events that tell of them. Pure."""

from services.withdrawal.domain import allowance, attempt, bank_account, late_rules, late_word, reminder, withdrawal

__all__ = ["allowance", "attempt", "bank_account", "late_rules", "late_word", "reminder", "withdrawal"]
