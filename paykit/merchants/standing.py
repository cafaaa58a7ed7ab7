"""Whether a merchant may do business, by what merchant.events told of it. Pure."""

from paykit.errors import DomainError, Kind
from paystream.merchant.v1.events import MerchantStatus


class MerchantUnknown(DomainError):
    """No event has told of this merchant."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_UNKNOWN"


class MerchantNotActive(DomainError):
    """The merchant has not been activated."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_NOT_ACTIVE"


class MerchantSuspended(DomainError):
    """The merchant may do no new business."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_SUSPENDED"


class MerchantReferenceTaken(DomainError):
    """What the merchant created earlier has this reference; metadata says which."""

    kind = Kind.ALREADY_EXISTS
    reason = "MERCHANT_REFERENCE_TAKEN"


NOT_TOLD_YET = (MerchantUnknown, MerchantNotActive)
"""Refusals that the merchant's next event may lift: who was activated a moment ago is worth waiting for."""


def require_active(merchant_id: str, status: MerchantStatus | None) -> None:
    """Check that a merchant may do new business. A status of None is a merchant never heard of.

    Raises:
        MerchantUnknown, MerchantNotActive, MerchantSuspended: It may not.
    """
    if status is None:
        raise unknown(merchant_id)
    if status is MerchantStatus.SUSPENDED:
        raise MerchantSuspended("The merchant is suspended.", field="merchant_id", merchant_id=merchant_id)
    if status is not MerchantStatus.ACTIVE:
        raise MerchantNotActive("The merchant is not active.", field="merchant_id", merchant_id=merchant_id)


def unknown(merchant_id: str) -> MerchantUnknown:
    """Return the refusal of a merchant of whom no event has told."""
    return MerchantUnknown("The merchant is not known.", field="merchant_id", merchant_id=merchant_id)
