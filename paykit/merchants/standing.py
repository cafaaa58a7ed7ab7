"""Whether a merchant may do business, by what merchant.events told of it. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from paykit.errors import DomainError, Kind
from paystream.merchant.v1.events import MerchantStatus


class MerchantStanding(StrEnum):
    """What a merchant may do, all in all: its status, and what stops it beside that.

    FROZEN: nothing new is taken, nothing settled or paid out. CLOSING: it leaves, so nothing new is taken, while
    refunds, settlements and payouts go on. The others are statuses.
    """

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    FROZEN = "FROZEN"
    CLOSING = "CLOSING"


STOPPED = frozenset({MerchantStanding.SUSPENDED, MerchantStanding.FROZEN})
"""Standings in which nothing is settled or paid out."""


class Restricted(Protocol):
    """What an event tells of a merchant, as far as its standing goes."""

    @property
    def status(self) -> MerchantStatus: ...  # noqa: D102 - as the events say
    @property
    def frozen(self) -> bool: ...  # noqa: D102
    @property
    def closing(self) -> bool: ...  # noqa: D102


class MerchantUnknown(DomainError):
    """No event has told of this merchant."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_UNKNOWN"
    retry_after_s = 1


class MerchantNotActive(DomainError):
    """The merchant has not been activated."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_NOT_ACTIVE"
    retry_after_s = 1


class MerchantSuspended(DomainError):
    """The merchant may do no new business."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_SUSPENDED"


class MerchantFrozen(DomainError):
    """Everything of the merchant is stopped."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_FROZEN"


class MerchantClosing(DomainError):
    """The merchant leaves, and may do no new business."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_CLOSING"


class MerchantReferenceTaken(DomainError):
    """What the merchant created earlier has this reference; metadata says which."""

    kind = Kind.ALREADY_EXISTS
    reason = "MERCHANT_REFERENCE_TAKEN"


NOT_TOLD_YET = (MerchantUnknown, MerchantNotActive)
"""Refusals that the merchant's next event may lift: who was activated a moment ago is worth waiting for."""


def standing_of(merchant: Restricted) -> MerchantStanding:
    """Return what a merchant may do: what stops more goes before what stops less."""
    if merchant.frozen:
        return MerchantStanding.FROZEN
    if merchant.closing and merchant.status is MerchantStatus.ACTIVE:
        return MerchantStanding.CLOSING
    return MerchantStanding(merchant.status)


def require_active(merchant_id: str, standing: MerchantStanding | None) -> None:
    """Check that a merchant may do new business. A standing of None is a merchant never heard of.

    Raises:
        MerchantUnknown, MerchantNotActive, MerchantSuspended, MerchantFrozen, MerchantClosing: It may not.
    """
    if standing is None:
        raise unknown(merchant_id)
    if standing is MerchantStanding.ACTIVE:
        return
    refusal, message = _REFUSALS.get(standing, (MerchantNotActive, "The merchant is not active."))
    raise refusal(message, field="merchant_id", merchant_id=merchant_id)


def require_payable(merchant_id: str, standing: MerchantStanding | None) -> None:
    """Check that a merchant may be paid out: one that leaves may.

    Raises:
        MerchantUnknown, MerchantNotActive, MerchantSuspended, MerchantFrozen: It may not.
    """
    if standing is not MerchantStanding.CLOSING:
        require_active(merchant_id, standing)


def unknown(merchant_id: str) -> MerchantUnknown:
    """Return the refusal of a merchant of whom no event has told."""
    return MerchantUnknown("The merchant is not known.", field="merchant_id", merchant_id=merchant_id)


_REFUSALS: Mapping[MerchantStanding, tuple[type[DomainError], str]] = MappingProxyType(
    {
        MerchantStanding.SUSPENDED: (MerchantSuspended, "The merchant is suspended."),
        MerchantStanding.FROZEN: (MerchantFrozen, "The merchant is frozen."),
        MerchantStanding.CLOSING: (MerchantClosing, "The merchant is closing."),
    }
)
