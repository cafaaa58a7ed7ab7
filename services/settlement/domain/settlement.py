"""Settlements: what they sum up to, and what may happen to them. Pure: every change returns the settlement after it.

States: PENDING (collects) -> CREATED (closed, told to the ledger) -> COMPLETED (booked) | FAILED (refused).
PENDING -> CARRIED: not worth settling at its time; what it collected counts in another one.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from paykit.aggregate import Revision
from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import DomainError, InvariantError, Kind
from paykit.money import AMOUNT_MINOR_MAX
from paystream.settlement.v1 import events
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain.lifecycle import SettlementAction, SettlementState, next_state
from services.settlement.domain.policy import Policy
from services.settlement.domain.sums import Sums, reserve_minor, sum_facts

MerchantCurrency = tuple[str, str]
"""merchant_id, currency_code."""
Place = tuple[str, str, datetime | None]
"""merchant_id, currency_code, cut_off_at: where items are collected."""

_FAR = datetime.max.replace(tzinfo=UTC)


class SettlementNotFound(DomainError):
    """No settlement has this id."""

    kind = Kind.NOT_FOUND
    reason = "SETTLEMENT_NOT_FOUND"


class NothingToSettle(DomainError):
    """The pending total is not above 0; it stands in the metadata."""

    kind = Kind.FAILED_PRECONDITION
    reason = "NOTHING_TO_SETTLE"


class SettlementNotDue(DomainError):
    """All that is pending has yet to wait for its cut-off and the days of delay; until when stands in the metadata."""

    kind = Kind.FAILED_PRECONDITION
    reason = "SETTLEMENT_NOT_DUE"


class BookingMismatch(DomainError):
    """The ledger says to have booked another amount than the settlement's."""

    kind = Kind.FAILED_PRECONDITION
    reason = "BOOKING_MISMATCH"


def not_found(settlement_id: str) -> SettlementNotFound:
    """Make the refusal that no settlement has an id."""
    message = f"There is no settlement {settlement_id}."
    return SettlementNotFound(message, field="settlement_id", settlement_id=settlement_id)


def not_due(due_at: datetime, *, now: datetime) -> SettlementNotDue:
    """Make the refusal to settle before the days of delay are over; it says after how long they are."""
    due_time = due_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    message = f"What is pending is due at {due_time}; override_reason settles it now."
    refusal = SettlementNotDue(message, field="override_reason", due_time=due_time)
    refusal.retry_after_s = max(math.ceil((due_at - now).total_seconds()), 1)
    return refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement.

    Attributes:
        cut_off_at: Up to when it collects; None without cut-offs.
        due_at: When it is looked at next while PENDING; None for not before something changes.
        noticed_at: When it was first seen to be due and had to wait for events on their way; None before.
        is_full: Whether it is kept from collecting more: the next item would have made its total too large.
        noticed_offsets: Where the partitions of accounting.events ended then, in their order; None if not known.
        sums: Of the items it holds; of a FAILED one, of those it held.
        reserve_held_minor: Part of the total held back.
        reserve_release_at: When that is to be released; None when none is held.
        reserve_due_at: When it is looked at next; None when nothing is left, or while the ledger is moving it.
        released_minor: Part of it that the ledger released.
        consumed_minor: Part of it that made up for a negative balance, or that the ledger does not hold any more.
        reserve_released_at: When the ledger last released some of it; None before.
        reserve_refusal: Why the ledger last would not.
        holder_id: The settlement that its items count in: itself, unless CARRIED or FAILED.
        override_reason: Why a request closed it before its days of delay were over; None if it did not.
        correlation_id: The journey of its events; None while PENDING.
        aggregate_version: 0 while PENDING, then one more with every event.
        creating_call: The call that closed it, kept so that it closes nothing again.
    """

    settlement_id: str
    merchant_id: str
    currency_code: str
    state: SettlementState = SettlementState.PENDING
    trigger: SettlementTrigger | None = None
    cut_off_at: datetime | None
    due_at: datetime | None
    noticed_at: datetime | None = None
    noticed_offsets: tuple[int, ...] | None = None
    is_full: bool = False
    sums: Sums = field(default_factory=Sums)
    reserve_held_minor: int = 0
    reserve_release_at: datetime | None = None
    reserve_due_at: datetime | None = None
    released_minor: int = 0
    consumed_minor: int = 0
    reserve_released_at: datetime | None = None
    reserve_refusal: str | None = None
    holder_id: str
    failure_reason: str | None = None
    transaction_id: str | None = None
    override_reason: str | None = None
    correlation_id: str | None = None
    aggregate_version: int = 0
    create_time: datetime
    close_time: datetime | None = None
    update_time: datetime
    creating_call: CreatingCall = NO_CALL

    @property
    def net_minor(self) -> int:
        """What becomes available; 0 while nothing is closed."""
        return self.sums.total_minor - self.reserve_held_minor if self.close_time else 0

    @property
    def reserve_left_minor(self) -> int:
        """What is still held of its reserve."""
        return self.reserve_held_minor - self.released_minor - self.consumed_minor

    @property
    def place(self) -> Place:
        """Where it collects while PENDING."""
        return self.merchant_id, self.currency_code, self.cut_off_at


def place_order(place: Place) -> tuple[str, str, bool, datetime]:
    """Return what sorts places as their index does, which is the order of locks: no cut-off comes last."""
    merchant_id, currency_code, cut_off = place
    return merchant_id, currency_code, cut_off is None, cut_off or _FAR


class ChangeFacts(TypedDict):
    """The fields that all events of a settlement share; the journey is the caller's to say."""

    occurred_at: datetime
    merchant_id: str
    aggregate_version: int
    settlement_id: str
    currency_code: str


class SettlementFacts(ChangeFacts):
    """The fields that all events of a settlement's booking share."""

    total_minor: int
    reserve_held_minor: int
    net_minor: int


def require_any(total_minor: int, currency_code: str) -> None:
    """Check that there is something to settle.

    Raises:
        NothingToSettle: The total is not above 0.
    """
    if total_minor < 1:
        message = f"{total_minor} {currency_code} is pending, which cannot be settled."
        raise NothingToSettle(message, pending_minor=str(total_minor), currency_code=currency_code)


def require_settleable(total_minor: int, currency_code: str) -> None:
    """Check that one settlement can hold a total.

    Raises:
        NothingToSettle: It is not above 0.
        InvariantError: It is above the largest amount, which is collected in parts.
    """
    require_any(total_minor, currency_code)
    if total_minor > AMOUNT_MINOR_MAX:
        raise InvariantError(f"{total_minor} {currency_code} is more than one settlement can hold")


def beside(settlement: Settlement, settlement_id: str, *, now: datetime) -> Settlement:
    """Make another settlement at the place of one that cannot hold what comes; it takes that in, and no more."""
    return Settlement(
        settlement_id=settlement_id,
        holder_id=settlement_id,
        merchant_id=settlement.merchant_id,
        currency_code=settlement.currency_code,
        cut_off_at=settlement.cut_off_at,
        due_at=settlement.due_at,
        is_full=True,
        create_time=now,
        update_time=now,
    )


def fits(settlement: Settlement, other: Settlement) -> bool:
    """Return whether the totals of both are together no more than one settlement can hold."""
    return settlement.sums.total_minor + other.sums.total_minor <= AMOUNT_MINOR_MAX


def close(
    settlement: Settlement, policy: Policy, *, trigger: SettlementTrigger, correlation_id: str, now: datetime
) -> tuple[Settlement, events.SettlementCreated]:
    """Close a settlement, and hold back its reserve.

    Raises:
        IllegalTransition: It does not collect any more.
        NothingToSettle: Its total is not above 0.
        InvariantError: Its total is above the largest amount.
    """
    state = next_state(settlement.state, SettlementAction.CLOSE)
    require_settleable(settlement.sums.total_minor, settlement.currency_code)
    held_minor = reserve_minor(settlement.sums, policy.reserve_basis_points, policy.reserve_base)
    release_at = now + timedelta(days=policy.reserve_days) if held_minor else None
    closed = replace(
        settlement,
        state=state,
        trigger=trigger,
        due_at=None,
        noticed_at=None,
        noticed_offsets=None,
        reserve_held_minor=held_minor,
        reserve_release_at=release_at,
        reserve_due_at=release_at,
        correlation_id=correlation_id,
        aggregate_version=1,
        close_time=now,
        update_time=now,
    )
    return closed, _created(closed)


def carry(settlement: Settlement, *, into: Settlement, now: datetime) -> tuple[Settlement, Settlement]:
    """Have what a settlement collected count in another one; return both, the one carried first.

    Raises:
        IllegalTransition: One of them does not collect any more.
    """
    next_state(into.state, SettlementAction.COLLECT)
    carried = replace(
        settlement,
        state=next_state(settlement.state, SettlementAction.CARRY),
        due_at=None,
        noticed_at=None,
        noticed_offsets=None,
        sums=Sums(),
        holder_id=into.settlement_id,
        update_time=now,
    )
    return carried, replace(into, sums=into.sums + settlement.sums, update_time=now)


def complete(
    settlement: Settlement, *, transaction_id: str, booked_minor: int, now: datetime
) -> tuple[Settlement, events.SettlementCompleted]:
    """Record that the ledger booked a settlement.

    Args:
        settlement: CREATED.
        transaction_id: What booked it.
        booked_minor: What that took from the merchant's settlement account.
        now: When.

    Raises:
        IllegalTransition: It is not waiting to be booked.
        BookingMismatch: The ledger took another amount.
    """
    state = next_state(settlement.state, SettlementAction.COMPLETE)
    if booked_minor != settlement.sums.total_minor:
        raise BookingMismatch(
            f"{transaction_id} took {booked_minor} for a settlement of {settlement.sums.total_minor}.",
            settlement_id=settlement.settlement_id,
        )
    completed = replace(settlement, **next_revision(settlement, now), state=state, transaction_id=transaction_id)
    return completed, events.SettlementCompleted(
        **facts(completed),
        **sum_facts(completed.sums),
        cut_off_at=_closed_at(completed),
        transaction_id=transaction_id,
    )


def fail(
    settlement: Settlement, *, reason: str, into: Settlement, now: datetime
) -> tuple[Settlement, Settlement, events.SettlementFailed]:
    """Record that the ledger refused a settlement; what it held counts in another one from now on.

    Raises:
        IllegalTransition: It is not waiting to be booked, or the other does not collect any more.
    """
    state = next_state(settlement.state, SettlementAction.FAIL)
    next_state(into.state, SettlementAction.COLLECT)
    failed = replace(
        settlement,
        **next_revision(settlement, now),
        state=state,
        failure_reason=reason,
        holder_id=into.settlement_id,
    )
    receiver = replace(into, sums=into.sums + settlement.sums, update_time=now)
    return (
        failed,
        receiver,
        events.SettlementFailed(
            **facts(failed), **sum_facts(failed.sums), cut_off_at=_closed_at(failed), reason=reason
        ),
    )


def next_revision(settlement: Settlement, now: datetime) -> Revision:
    """Return what every change that an event tells of changes."""
    return {"update_time": now, "aggregate_version": settlement.aggregate_version + 1}


def change_facts(settlement: Settlement) -> ChangeFacts:
    """Return what the event of a settlement's latest change begins with."""
    return {
        "occurred_at": settlement.update_time,
        "merchant_id": settlement.merchant_id,
        "aggregate_version": settlement.aggregate_version,
        "settlement_id": settlement.settlement_id,
        "currency_code": settlement.currency_code,
    }


def facts(settlement: Settlement) -> SettlementFacts:
    """Return the amounts of a settlement as the event of its latest change tells them."""
    return {
        **change_facts(settlement),
        "total_minor": settlement.sums.total_minor,
        "reserve_held_minor": settlement.reserve_held_minor,
        "net_minor": settlement.net_minor,
    }


def _created(settlement: Settlement) -> events.SettlementCreated:
    return events.SettlementCreated(
        **facts(settlement),
        **sum_facts(settlement.sums),
        trigger=settlement.trigger or SettlementTrigger.UNKNOWN,
        cut_off_at=_closed_at(settlement),
        reserve_release_at=settlement.reserve_release_at,
    )


def _closed_at(settlement: Settlement) -> datetime | None:
    """Return the cut-off that closed a settlement; None where something else did."""
    return settlement.cut_off_at if settlement.trigger is SettlementTrigger.CUT_OFF else None
