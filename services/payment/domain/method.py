"""What is known of the means of payment beside its kind and token. Pure."""

from dataclasses import dataclass
from typing import TypedDict

from paystream.payment.v1 import events


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDetail:
    """What the merchant's request says of the means of payment; None where it says nothing.

    Attributes:
        brand: As in visa.
        issuer_country_code: ISO 3166-1 alpha-2.
    """

    brand: str | None = None
    funding: events.CardFunding | None = None
    issuer_country_code: str | None = None


NO_DETAIL = MethodDetail()
"""Of a means of payment of which nothing was said."""


class MethodFacts(TypedDict):
    """The fields of events that tell how and where a payment is made."""

    method: events.PaymentMethod
    capture_mode: events.CaptureMode
    country_code: str | None
    brand: str | None
    funding: events.CardFunding | None
    issuer_country_code: str | None


def facts(
    method: events.PaymentMethod, detail: MethodDetail, capture_mode: events.CaptureMode, *, country_code: str | None
) -> MethodFacts:
    """Return what an event tells of how and where a payment is made; `country_code` is the merchant's."""
    return {
        "method": method,
        "capture_mode": capture_mode,
        "country_code": country_code,
        "brand": detail.brand,
        "funding": detail.funding,
        "issuer_country_code": detail.issuer_country_code,
    }
