"""What the ledger is asked to move between the accounts of a merchant, and what it answers. Pure.

States: REQUESTED (told to the ledger) -> BOOKED | REFUSED.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.errors import DomainError, Kind
from paykit.money import AMOUNT_MINOR_MAX
from paystream.settlement.v1 import events
from services.settlement.domain.balance import MerchantPosition
from services.settlement.domain.settlement import MerchantCurrency

ASK_AGAIN_AFTER = timedelta(seconds=30)
"""Until the ledger is asked again for what it refused; sooner when new funds come."""


class TransferNotFound(DomainError):
    """No transfer has this id."""

    kind = Kind.NOT_FOUND
    reason = "TRANSFER_NOT_FOUND"


class TransferKind(StrEnum):
    """RECOVERY: available funds, to what is short. CONSUMPTION, RELEASE: a reserve, to the settlement account."""

    RECOVERY = "RECOVERY"
    CONSUMPTION = "CONSUMPTION"
    RELEASE = "RELEASE"


KINDS = MappingProxyType(
    {
        "BalanceRecovered": TransferKind.RECOVERY,
        "ReserveConsumed": TransferKind.CONSUMPTION,
        "ReserveReleased": TransferKind.RELEASE,
    }
)
"""By the type of the ledger's transaction."""


class TransferState(StrEnum):
    """How far a transfer has come."""

    REQUESTED = "REQUESTED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"


class TransferAction(StrEnum):
    """What is to happen to a transfer."""

    BOOK = "book"
    REFUSE = "refuse"


TRANSITIONS = MappingProxyType(
    {
        (TransferState.REQUESTED, TransferAction.BOOK): TransferState.BOOKED,
        (TransferState.REQUESTED, TransferAction.REFUSE): TransferState.REFUSED,
    }
)
"""The state after each legal action; a pair that is missing is illegal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundTransfer:
    """A transfer between accounts of one merchant.

    Attributes:
        transfer_id: The ledger's related_no.
        settlement_id: Whose reserve it takes from; None where it takes from available funds.
        settlement_minor: Part that goes to the settlement account.
        receivable_minor: Part that pays what the merchant owes.
        refusal: Why the ledger would not.
    """

    transfer_id: str
    kind: TransferKind
    merchant_id: str
    currency_code: str
    settlement_id: str | None = None
    settlement_minor: int
    receivable_minor: int = 0
    state: TransferState = TransferState.REQUESTED
    refusal: str | None = None
    create_time: datetime
    update_time: datetime

    @property
    def key(self) -> MerchantCurrency:
        """Whose funds."""
        return self.merchant_id, self.currency_code


def not_found(transfer_id: str) -> TransferNotFound:
    """Make the refusal that no transfer has an id."""
    return TransferNotFound(f"There is no transfer {transfer_id}.", transfer_id=transfer_id)


def recover(
    position: MerchantPosition, *, transfer_id: str, now: datetime
) -> tuple[FundTransfer, events.BalanceRecovered] | None:
    """Make up from available funds, first for what is missing in the settlement account, then for what is owed.

    Returns:
        What the ledger is asked for; None where nothing is missing, nothing available, or an answer is awaited.
    """
    available_minor = min(position.available_minor, AMOUNT_MINOR_MAX)
    if position.in_flight or available_minor <= 0:
        return None
    settlement_minor = min(position.shortfall_minor, available_minor)
    receivable_minor = min(max(0, position.receivable_minor), available_minor - settlement_minor)
    if not settlement_minor + receivable_minor:
        return None
    transfer = FundTransfer(
        transfer_id=transfer_id,
        kind=TransferKind.RECOVERY,
        merchant_id=position.merchant_id,
        currency_code=position.currency_code,
        settlement_minor=settlement_minor,
        receivable_minor=receivable_minor,
        create_time=now,
        update_time=now,
    )
    return transfer, events.BalanceRecovered(
        occurred_at=now,
        merchant_id=transfer.merchant_id,
        aggregate_version=1,
        recovery_id=transfer_id,
        settlement_id=transfer_id,
        currency_code=transfer.currency_code,
        amount_minor=settlement_minor + receivable_minor,
        settlement_minor=settlement_minor,
        receivable_minor=receivable_minor,
    )


def needs_reserve(position: MerchantPosition) -> bool:
    """Return whether a reserve is to make up for what is missing, as nothing is available, nor about to be."""
    nothing_available = position.available_minor <= 0 and not position.awaits_funds
    return nothing_available and position.shortfall_minor > 0 and position.reserve_minor > 0


def book(transfer: FundTransfer, *, now: datetime) -> FundTransfer:
    """Record that the ledger moved the funds.

    Raises:
        IllegalTransition: It refused to.
    """
    return replace(transfer, state=_next_state(transfer, TransferAction.BOOK), update_time=now)


def refuse(transfer: FundTransfer, *, reason: str, now: datetime) -> FundTransfer:
    """Record that the ledger would not move the funds; no event tells of it, for the ledger's did.

    Raises:
        IllegalTransition: It did.
    """
    return replace(transfer, state=_next_state(transfer, TransferAction.REFUSE), refusal=reason, update_time=now)


def _next_state(transfer: FundTransfer, action: TransferAction) -> TransferState:
    return transitions.next_state(TRANSITIONS, transfer.state, action, what="A transfer")
