"""What is read of the events that come most, in their place: they count as the whole events would. Pure."""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from paystream.payment.v1.events import PaymentSuccess


class _CapturedFields(NamedTuple):
    """In the order of the schema."""

    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    merchant_id: str | None
    payment_id: str
    amount_minor: int
    currency_code: str
    fee_minor: int
    method: str
    channel: str


class CapturedExcerpt(_CapturedFields):
    """Of PaymentSuccess; the method by its symbol."""

    __slots__ = ()

    TOPIC: ClassVar[str] = PaymentSuccess.TOPIC

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> Self:
        """Return the excerpt by the values of its fields."""
        return cls._make(values)
