"""What a merchant's funds let be refunded: all, up to a limit, what they cover, or later. Pure.

Funds are the balances of the merchant's settlement and available accounts, as far as the ledger has told; refunds that
it has not booked yet are taken off.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from paykit.reasons.stated_reason import StatedReason
from paystream.merchant.v1.events import RefundPolicy
from paystream.payment.v1 import events
from services.payment.domain import movement
from services.payment.domain.attempt import WITHDRAWN, Failure
from services.payment.domain.movement import MovementAction, MovementState
from services.payment.domain.payment import Payment
from services.payment.domain.refund import AcceptedRefund, Refund, fail

_CANCELLED = Failure(reason=events.FailureReason.NOT_RECEIVED, code=WITHDRAWN, channel_reference=None, attempt_id=None)

MerchantCurrency = tuple[str, str]
"""merchant_id and currency_code."""


class Admission(StrEnum):
    """What becomes of a refund asked for."""

    MADE = "MADE"
    QUEUED = "QUEUED"


class RefundWouldOverdraw(DomainError):
    """The merchant's funds do not cover the refund; metadata says what is there, and how far below zero it may go."""

    kind = Kind.FAILED_PRECONDITION
    reason = "REFUND_WOULD_OVERDRAW"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantFunds:
    """The funds of a merchant in a currency, as the ledger told; below 0 where the merchant owes."""

    merchant_id: str
    currency_code: str
    funds_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsPolicy:
    """What a merchant's terms say of refunds in a currency.

    Attributes:
        limit_minor: With ALLOW: how far below zero refunds may bring the funds; None for no limit.
    """

    refund_policy: RefundPolicy
    limit_minor: int | None

    @property
    def unrestricted(self) -> bool:
        """Whether refunds are made whatever the funds are."""
        return self.refund_policy is RefundPolicy.ALLOW and self.limit_minor is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundableFunds:
    """What refunds of a merchant in a currency can draw on, as the refunds before leave it.

    Attributes:
        available_minor: The funds less the refunds that are not booked yet, those that wait not included.
        waiting: Whether refunds wait for funds: later ones wait behind them.
    """

    policy: FundsPolicy
    currency_code: str
    available_minor: int
    waiting: bool

    def admit(self, needed_minor: int) -> tuple[Admission, "RefundableFunds"]:
        """Decide a refund that takes so much of the funds, and return what it leaves.

        Raises:
            RefundWouldOverdraw: The funds do not cover it, and the terms neither allow that nor let it wait.
        """
        if self._covers(needed_minor) and not (self.waiting and self.policy.refund_policy is RefundPolicy.QUEUE):
            return Admission.MADE, self.drawn(needed_minor)
        if self.policy.refund_policy is not RefundPolicy.QUEUE:
            raise self._overdrawn()
        return Admission.QUEUED, replace(self, waiting=True)

    def release(self, needed_minor: int) -> "RefundableFunds | None":
        """Return what a refund that waited leaves; None where it waits on."""
        return self.drawn(needed_minor) if self._covers(needed_minor) else None

    def drawn(self, needed_minor: int) -> "RefundableFunds":
        """Return what a refund that is made leaves."""
        return replace(self, available_minor=self.available_minor - needed_minor)

    def _covers(self, needed_minor: int) -> bool:
        if self.policy.unrestricted:
            return True
        below_zero_minor = self.policy.limit_minor or 0 if self.policy.refund_policy is RefundPolicy.ALLOW else 0
        return self.available_minor - needed_minor >= -below_zero_minor

    def _overdrawn(self) -> RefundWouldOverdraw:
        return RefundWouldOverdraw(
            f"The merchant's funds are {self.available_minor} minor units of {self.currency_code}.",
            field="amount.amount_minor",
            available_minor=str(self.available_minor),
            limit_minor=str(self.policy.limit_minor or 0),
            currency_code=self.currency_code,
        )


def queue(accepted: AcceptedRefund) -> AcceptedRefund:
    """Return a refund just made as one that waits for funds."""
    return replace(accepted, refund=replace(accepted.refund, state=MovementState.QUEUED))


def release(refund: Refund, *, now: datetime) -> Refund:
    """Return a refund that waited as one to be sent; no event says so.

    Raises:
        IllegalTransition: It does not wait.
    """
    state = movement.next_state(refund.state, MovementAction.RELEASE, what=refund.WHAT)
    return replace(refund, state=state, update_time=no_earlier(now, refund.update_time))


def cancel(
    payment: Payment, refund: Refund, *, stated: StatedReason, now: datetime
) -> tuple[Payment, Refund, events.RefundFailed]:
    """Give up a refund that waits for funds, for a reason.

    Raises:
        IllegalTransition: It does not wait.
    """
    return fail(payment, replace(refund, stated=stated), _CANCELLED, now=now, by=MovementAction.CANCEL)
