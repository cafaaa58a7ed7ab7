"""Every SQL statement of payment."""

from services.payment.store import funds
from services.payment.store.attempt import (
    ATTEMPTS_SHOWN_MAX,
    ClaimedPaymentAttempt,
    OverdueAttempt,
    OverdueFilter,
    attempts,
)
from services.payment.store.capture import captures
from services.payment.store.contact import contacts
from services.payment.store.contradiction import contradictions, unmatched_evidence
from services.payment.store.dispute import DisputeFilter, DisputeReport, Response, disputes, reports
from services.payment.store.dispute_file import FileWithContent, dispute_files
from services.payment.store.late_capture import late_captures
from services.payment.store.merchant import Payee, capture_terms, dispute_fees, keep_merchants, payees
from services.payment.store.order import orders
from services.payment.store.payment import ChannelReference, PaymentFilter, payments
from services.payment.store.refund import RefundFilter, refunds
from services.payment.store.refund_share import refund_shares
from services.payment.store.return_erasure import return_erasures

__all__ = [
    "ATTEMPTS_SHOWN_MAX",
    "ChannelReference",
    "ClaimedPaymentAttempt",
    "DisputeFilter",
    "DisputeReport",
    "FileWithContent",
    "OverdueAttempt",
    "OverdueFilter",
    "Payee",
    "PaymentFilter",
    "RefundFilter",
    "Response",
    "attempts",
    "capture_terms",
    "captures",
    "contacts",
    "contradictions",
    "dispute_fees",
    "dispute_files",
    "disputes",
    "funds",
    "keep_merchants",
    "late_captures",
    "orders",
    "payees",
    "payments",
    "refund_shares",
    "refunds",
    "reports",
    "return_erasures",
    "unmatched_evidence",
]
