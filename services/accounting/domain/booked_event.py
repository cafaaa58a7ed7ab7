"""The events that the ledger books, in one table: handlers, subscriptions, lifecycles and charts follow from it. Pure.

Each event books one transaction, whose type is the event's name. Where in the event everything stands is said here;
where the amounts go is the chart's business. Who adds an event adds a line here, and its entries to the charts.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar

from paykit.errors import DomainError, Kind
from paykit.events.event import Event
from paystream.payment.v1.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentSuccess,
    RefundReason,
    RefundSuccess,
)
from paystream.settlement.v1.events import ReserveReleased, SettlementCreated
from paystream.withdrawal.v1.events import (
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
)

E = TypeVar("E", bound=Event)

PRINCIPAL = "amount"
"""The amount that an event is about, never zero; one that is about a sum of others names those."""


class AmountsDisagree(DomainError):
    """The amounts of a settlement do not add up to its total."""

    kind = Kind.FAILED_PRECONDITION
    reason = "AMOUNTS_DISAGREE"


class BookedEvent(Generic[E]):
    """How the events of one type become transactions.

    Attributes:
        event: The class.
        transaction_type: The event's name.
        names: Reads related_no and root_reference.
        principal: The field of what the event is about, from 1; the other amounts lie between 0 and it.
        amounts: The fields of the amounts, by the names that charts use.
        parties: Reads merchant_id, currency_code and the principal.
        parts: Read the amounts, by the names that charts use.
        moves: Whether an event books anything; None if each does.
        check: Raises what business rule an event breaks; None if there is none.
        waits_on: The kind of account that the amount waits on until another event ends what this one opened; None where
            it waits outside the ledger, or is not in transit.
        ends: The event that opened what this one ends.
        awaited: Whether who sent the event waits to be told that it was refused.
    """

    def __init__(
        self,
        event: type[E],
        *,
        names: tuple[str, str],
        principal: str = "amount_minor",
        amounts: Mapping[str, str] | None = None,
        moves: Callable[[E], bool] | None = None,
        check: Callable[[E], None] | None = None,
        waits_on: str | None = None,
        ends: type[Event] | None = None,
        awaited: bool = False,
    ) -> None:
        self.event = event
        self.transaction_type = event.__name__
        self.names = attrgetter(*names)
        self.principal = principal
        self.amounts = amounts or {PRINCIPAL: principal}
        self.parties = attrgetter("merchant_id", "currency_code", principal)
        self.parts = tuple((name, attrgetter(field)) for name, field in self.amounts.items())
        self.moves = moves
        self.check = check
        self.waits_on = waits_on
        self.ends = ends
        self.awaited = awaited


def _require_sums(event: SettlementCreated) -> None:
    components = (
        event.payments_minor,
        event.refunds_minor,
        event.fees_minor,
        event.disputes_minor,
        event.reserve_released_minor,
        event.adjustments_minor,
    )
    for what, total in (
        ("its components", sum(components)),
        ("net_minor and reserve_held_minor", event.net_minor + event.reserve_held_minor),
    ):
        if total != event.total_minor:
            message = f"total_minor is {event.total_minor}, but {what} add up to {total}."
            raise AmountsDisagree(message, total_minor=str(event.total_minor), sum_minor=str(total))


# The fields of related_no and root_reference.
_DISPUTE = ("dispute_id", "payment_id")
_SETTLEMENT = ("settlement_id", "settlement_id")
_WITHDRAWAL = ("withdrawal_id", "withdrawal_id")

BOOKED_EVENTS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(
        PaymentSuccess,
        names=("capture_id", "payment_id"),
        amounts={PRINCIPAL: "amount_minor", "fee": "fee_minor"},
    ),
    # What gives back a capture that became known after the payment had failed: that capture was never booked.
    BookedEvent(
        RefundSuccess,
        names=("refund_id", "payment_id"),
        amounts={PRINCIPAL: "amount_minor", "fee_returned": "fee_returned_minor"},
        moves=lambda event: event.reason is not RefundReason.CONTRADICTION,
    ),
    BookedEvent(DisputeOpened, names=_DISPUTE, waits_on="merchant.disputed"),
    BookedEvent(DisputeWon, names=_DISPUTE, ends=DisputeOpened),
    BookedEvent(DisputeLost, names=_DISPUTE, ends=DisputeOpened),
    BookedEvent(
        SettlementCreated,
        names=_SETTLEMENT,
        principal="total_minor",
        amounts={"net": "net_minor", "reserve": "reserve_held_minor"},
        check=_require_sums,
        waits_on="merchant.reserve",
        awaited=True,
    ),
    BookedEvent(ReserveReleased, names=_SETTLEMENT, ends=SettlementCreated),
    BookedEvent(WithdrawalCreated, names=_WITHDRAWAL, waits_on="merchant.withdrawing", awaited=True),
    BookedEvent(WithdrawalRejected, names=_WITHDRAWAL, ends=WithdrawalCreated),
    # A withdrawal that failed because the ledger refused to hold its amount has nothing to give back.
    BookedEvent(WithdrawalFailed, names=_WITHDRAWAL, ends=WithdrawalCreated, moves=lambda event: event.funds_held),
    BookedEvent(WithdrawalCompleted, names=_WITHDRAWAL, ends=WithdrawalCreated),
    BookedEvent(WithdrawalReturned, names=_WITHDRAWAL, ends=WithdrawalCompleted),
)
"""Every event that the ledger books."""

BY_CLASS: Mapping[type[Event], BookedEvent[Any]] = {booked.event: booked for booked in BOOKED_EVENTS}
