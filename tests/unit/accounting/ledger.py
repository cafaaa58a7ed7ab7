"""Events and journals for tests of the ledger: every field given, the interesting ones by argument."""

from datetime import UTC, datetime
from typing import Any

from paykit.cause import Cause
from paystream.accounting.v1.events import Side
from paystream.payment.v1.events import PaymentMethod, PaymentSuccess, RefundReason, RefundSuccess
from services.accounting.journal import Journal, Leg

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = "mer_" + "a" * 32
BOB = "mer_" + "b" * 32
CAUSE = Cause("cor_test", None, "ops", None)


def capture_id(number: int) -> str:
    return f"cap_{number:032x}"


def payment_id(number: int) -> str:
    return f"pay_{number:032x}"


def refund_id(number: int) -> str:
    return f"ref_{number:032x}"


def capture(number: int = 1, **changes: Any) -> PaymentSuccess:
    given: dict[str, Any] = {
        "event_id": f"evt_{number:032x}",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "merchant_id": ALICE,
        "correlation_id": "cor_test",
        "aggregate_version": 3,
        "payment_id": payment_id(number),
        "capture_id": capture_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 10_000,
        "currency_code": "USD",
        "fee_minor": 320,
        "fee_plan_version": 1,
        "method": PaymentMethod.CARD,
        "channel": "simulator",
        "channel_reference": f"ch_{number}",
    }
    return PaymentSuccess(**(given | changes))


def refund(number: int = 1, **changes: Any) -> RefundSuccess:
    given: dict[str, Any] = {
        "event_id": f"evt_{number + 10**6:032x}",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "merchant_id": ALICE,
        "correlation_id": "cor_test",
        "aggregate_version": 4,
        "refund_id": refund_id(number),
        "payment_id": payment_id(number),
        "capture_id": capture_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 4_000,
        "currency_code": "USD",
        "fee_returned_minor": 0,
        "reason": RefundReason.CUSTOMER_REQUEST,
        "channel": "simulator",
        "channel_reference": f"ch_{number}",
    }
    return RefundSuccess(**(given | changes))


def debit(account_kind: str, amount_minor: int, merchant_id: str | None = None) -> Leg:
    return Leg(side=Side.DEBIT, amount_minor=amount_minor, account_kind=account_kind, merchant_id=merchant_id)


def credit(account_kind: str, amount_minor: int, merchant_id: str | None = None) -> Leg:
    return Leg(side=Side.CREDIT, amount_minor=amount_minor, account_kind=account_kind, merchant_id=merchant_id)


def journal(*legs: Leg, **changes: Any) -> Journal:
    given: dict[str, Any] = {
        "transaction_type": "Adjustment",
        "related_no": "ticket-1",
        "currency_code": "USD",
        "legs": legs,
        "reason": "Goodwill",
        "effective_at": None,
        "cause": CAUSE,
    }
    return Journal(**(given | changes))
