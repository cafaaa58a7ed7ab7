"""One example of each mail, for previews: invented, and the same for ever."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from services.notification.domain.facts import Facts
from services.notification.domain.rendering import About
from services.notification.domain.topics import RecipientKind

_AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
_RESPOND_BY = datetime(2026, 3, 15, 18, 0, tzinfo=UTC)


def _example(prefix: str, **facts: object) -> Facts:
    resource_id = f"{prefix}_0192f5d0c0de70008000000000000001"
    return Facts(**{"resource_id": resource_id, "occurred_at": _AT} | facts)  # type: ignore[arg-type]


_SALE = {"reference": "basket-1042", "amount_minor": 129_950, "currency_code": "USD"}
_PAYOUT = {"amount_minor": 5_000_000, "currency_code": "JPY", "last_four": "6819"}

EXAMPLES: Mapping[str, Facts] = MappingProxyType(
    {
        "merchant_welcome": _example("mer", merchant_name="Tea & Sons"),
        "order_created": _example("ord", **_SALE),
        "order_paid": _example("ord", **_SALE),
        "payment_success": _example("pay", **_SALE, fee_minor=3_799),
        "payment_failed": _example("pay", **_SALE, reason="INSUFFICIENT_FUNDS"),
        "refund_success": _example("ref", **_SALE, reason="CUSTOMER_REQUEST"),
        "dispute_opened": _example("dsp", **_SALE, reason="NOT_RECEIVED", respond_by=_RESPOND_BY),
        "dispute_due_soon": _example("dsp", **_SALE, reason="NOT_RECEIVED", respond_by=_RESPOND_BY),
        "settlement_completed": _example(
            "stl", amount_minor=1_234_500, currency_code="BHD", total_minor=1_300_000, reserve_minor=65_500
        ),
        "withdrawal_approval_needed": _example("wdr", **_PAYOUT),
        "withdrawal_completed": _example("wdr", **_PAYOUT),
        "withdrawal_failed": _example("wdr", **_PAYOUT, reason="BANK_REJECTED", code="account_closed"),
        "bank_account_changed": _example("bnk", last_four="6819", change="VERIFIED"),
        "webhook_endpoint_stopped": _example("whe", reference="hooks.tea.example", reason="FAILING"),
        "reconciliation_alert": _example(
            "stm", currency_code="USD", channel="simulator", line_count=812, difference_count=7, value_date="2026-02-28"
        ),
    }
)
"""By template."""


def about(recipient_kind: RecipientKind, *, locale: str) -> About:
    """Return for whom an example is."""
    return About(
        recipient_kind=recipient_kind,
        locale=locale,
        merchant_name="Tea & Sons",
        support_address="help@tea.example",
    )
