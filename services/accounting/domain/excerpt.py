"""What the ledger reads of the events that it gets most; it is booked as the whole event would be. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self

from paystream.payment.v1.events import PaymentSuccess, RefundReason, RefundSuccess

_REASONS: Mapping[str, RefundReason] = MappingProxyType({reason.value: reason for reason in RefundReason})


class _CaptureFields(NamedTuple):
    """In the order of the schema."""

    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    merchant_id: str | None
    correlation_id: str
    actor: str | None
    payment_id: str
    capture_id: str
    amount_minor: int
    currency_code: str
    fee_minor: int
    channel: str
    channel_reference: str


class CaptureExcerpt(_CaptureFields):
    """Of PaymentSuccess."""

    __slots__ = ()

    TOPIC: ClassVar[str] = PaymentSuccess.TOPIC

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> Self:
        """Return the excerpt by the values of its fields."""
        return tuple.__new__(cls, values)


class _RefundFields(NamedTuple):
    """In the order of the schema."""

    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    merchant_id: str | None
    correlation_id: str
    actor: str | None
    refund_id: str
    payment_id: str
    amount_minor: int
    currency_code: str
    fee_returned_minor: int
    reason: RefundReason
    channel: str
    channel_reference: str
    suspense_minor: int


_REASON = _RefundFields._fields.index("reason")


class RefundExcerpt(_RefundFields):
    """Of RefundSuccess."""

    __slots__ = ()

    TOPIC: ClassVar[str] = RefundSuccess.TOPIC

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> Self:
        """Return the excerpt by the values of its fields, of which the reason is a symbol."""
        return tuple.__new__(cls, (*values[:_REASON], _REASONS[values[_REASON]], *values[_REASON + 1 :]))
