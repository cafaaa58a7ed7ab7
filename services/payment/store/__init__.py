"""Every SQL statement of payment."""

from services.payment.store import funds
from services.payment.store.attempt import (
    ATTEMPTS_SHOWN_MAX,
    ClaimedPaymentAttempt,
    OverdueAttempt,
    attempts,
)
from services.payment.store.capture import captures
from services.payment.store.contradiction import contradictions
from services.payment.store.dispute import DisputeFilter, DisputeReport, Response, disputes, reports
from services.payment.store.merchant import capture_terms, dispute_fees, keep_merchants
from services.payment.store.order import orders
from services.payment.store.payment import PaymentFilter, payments
from services.payment.store.refund import RefundFilter, refunds
from services.payment.store.refund_share import refund_shares

__all__ = [
    "ATTEMPTS_SHOWN_MAX",
    "ClaimedPaymentAttempt",
    "DisputeFilter",
    "DisputeReport",
    "OverdueAttempt",
    "PaymentFilter",
    "RefundFilter",
    "Response",
    "attempts",
    "capture_terms",
    "captures",
    "contradictions",
    "dispute_fees",
    "disputes",
    "funds",
    "keep_merchants",
    "orders",
    "payments",
    "refund_shares",
    "refunds",
    "reports",
]
