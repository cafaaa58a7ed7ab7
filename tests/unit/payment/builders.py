"""Payments, refunds and attempts in a given state, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from paykit.channels.attempts import AttemptState
from paystream.payment.v1 import events
from services.payment.domain import payment as domain
from services.payment.domain.attempt import AttemptAction, Failure, PaymentAttempt
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.payment import CaptureMode, Payment, PaymentState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
PAYMENT_ID = "pay_" + "1" * 32
CAPTURE_ID = "cap_" + "2" * 32
REFUND_ID = "ref_" + "3" * 32
ATTEMPT_ID = "att_" + "4" * 32


def payment(**changes: Any) -> Payment:
    given: dict[str, Any] = {
        "payment_id": PAYMENT_ID,
        "merchant_id": "mer_" + "5" * 32,
        "merchant_reference": "order-77",
        "order_id": None,
        "amount_minor": 10_000,
        "currency_code": "USD",
        "method": events.PaymentMethod.CARD,
        "method_token": "tok_visa",
        "metadata": "{}",
        "channel": "simulator",
        "correlation_id": "cor_1",
        "create_time": NOON,
        "update_time": NOON,
    }
    return Payment(**given | changes)


def terms(basis_points: int = 290, fixed_minor: int = 30, *, refund_fee_returned: bool = False) -> CaptureTerms:
    return CaptureTerms(3, basis_points, fixed_minor, refund_fee_returned)


def captured(fee_terms: CaptureTerms, **changes: Any) -> Payment:
    """A payment captured in full under these terms."""
    made = payment(**changes)
    after, _ = domain.capture(
        made,
        amount_minor=made.amount_minor,
        capture_id=CAPTURE_ID,
        attempt_id=ATTEMPT_ID,
        channel_reference="ch_1",
        terms=fee_terms,
        now=NOON,
    )
    return after


def authorized(**changes: Any) -> Payment:
    """A payment authorized in full, for a week from noon."""
    given: dict[str, Any] = {
        "state": PaymentState.AUTHORIZED,
        "capture_mode": CaptureMode.MANUAL,
        "authorized_minor": 10_000,
        "channel_reference": "ch_auth",
        "expire_time": NOON + timedelta(days=7),
        "aggregate_version": 2,
    }
    return payment(**given | changes)


def declined(code: str | None) -> Failure:
    return Failure(attempt_id=ATTEMPT_ID, reason=events.FailureReason.DECLINED, code=code, channel_reference=None)


def attempt(state: AttemptState = AttemptState.STARTED, **changes: Any) -> PaymentAttempt:
    given: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "payment_id": PAYMENT_ID,
        "refund_id": None,
        "action": AttemptAction.CHARGE,
        "channel": "simulator",
        "amount_minor": 10_000,
        "currency_code": "USD",
        "create_time": NOON,
        "update_time": NOON,
        "state": state,
    }
    return PaymentAttempt(**given | changes)
