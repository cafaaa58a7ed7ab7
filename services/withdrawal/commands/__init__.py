"""The business operations of withdrawal: lock, decide, save, emit."""

from services.withdrawal.commands import bank_account, contradiction, evidence, hold, reminder, submission, withdrawal
from services.withdrawal.commands.work import CHANNEL, SUBMISSION_JOBS

__all__ = [
    "CHANNEL",
    "SUBMISSION_JOBS",
    "bank_account",
    "contradiction",
    "evidence",
    "hold",
    "reminder",
    "submission",
    "withdrawal",
]
