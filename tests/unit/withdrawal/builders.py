"""Withdrawals, bank accounts and attempts in a given state, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.withdrawal.domain.bank_account import BankAccount, BankAccountState
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
WITHDRAWAL_ID = "wdr_" + "1" * 32
BANK_ACCOUNT_ID = "bnk_" + "2" * 32
MERCHANT_ID = "mer_" + "3" * 32
ATTEMPT_ID = "att_" + "4" * 32


def withdrawal(state: str = "CREATED", **changes: Any) -> Withdrawal:
    given: dict[str, Any] = {
        "withdrawal_id": WITHDRAWAL_ID,
        "merchant_id": MERCHANT_ID,
        "bank_account_id": BANK_ACCOUNT_ID,
        "destination_token": "tok_iban",
        "bank_account_last_four": "4321",
        "amount_minor": 6_000,
        "currency_code": "USD",
        "approval_required": True,
        "requester": "shop",
        "correlation_id": "cor_1",
        "create_time": NOON,
        "update_time": NOON,
        "taken_minor": 6_000,
        "state": WithdrawalState(state),
        "funds_held": state != "CREATED",
    }
    return Withdrawal(**given | changes)


def account(state: str = "VERIFIED", **changes: Any) -> BankAccount:
    given: dict[str, Any] = {
        "bank_account_id": BANK_ACCOUNT_ID,
        "merchant_id": MERCHANT_ID,
        "currency_code": "USD",
        "token": "tok_iban",
        "last_four": "4321",
        "create_time": NOON,
        "update_time": NOON,
        "state": BankAccountState(state),
    }
    return BankAccount(**given | changes)
