"""What payments' events tell beside what a test is about."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from paystream.payment.v1.events import CaptureMode

CAPTURED: Mapping[str, Any] = MappingProxyType(
    {
        "attempt_id": "att_1",
        "capture_mode": CaptureMode.AUTOMATIC,
        "country_code": None,
        "brand": None,
        "funding": None,
        "issuer_country_code": None,
        "captured_total_minor": 10_000,
        "capture_number": 1,
        "created_at": None,
        "authorized_at": None,
        "attempt_count": 1,
        "fee_basis_points": 290,
        "fee_fixed_minor": 30,
    }
)
"""Of PaymentSuccess."""

REFUNDED: Mapping[str, Any] = MappingProxyType({"attempt_id": "att_2", "automatic": False, "attempt_count": 2})
"""Of RefundSuccess, RefundFailed and RefundReturned."""

DISPUTED: Mapping[str, Any] = MappingProxyType({"attempt_id": "att_1", "opened_at": None, "fee_minor": 0})
"""Of what is told of a dispute."""

PRESENTED: Mapping[str, Any] = MappingProxyType({"locale": "en", "public_name": None, "support_email": None})
"""Of what is told of a merchant."""
