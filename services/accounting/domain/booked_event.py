"""The events that the ledger books, in one table: handlers, subscriptions, lifecycles and charts follow from it. Pure.

Each event books one transaction, whose type is the event's name unless it says another. Where in the event everything
stands is said here; where the amounts go is the chart's business, unless two people have named the accounts. Who adds
an event adds a line here, and its entries to the charts.
"""

from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

from paykit.errors import DomainError, Kind
from paykit.events.event import Event
from paystream.channel.v1.events import ChannelStatementClosed
from paystream.payment.v1.events import (
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeOverturned,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    PaymentContradictionResolved,
    PaymentReversed,
    PaymentSuccess,
    RefundReason,
    RefundReturned,
    RefundSuccess,
)
from paystream.reconciliation.v1.events import CorrectionApproved
from paystream.settlement.v1.events import BalanceRecovered, ReserveConsumed, ReserveReleased, SettlementCreated
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)

E = TypeVar("E", bound=Event)

PRINCIPAL = "amount"
"""The amount that an event is about, where it moves as a whole."""

_MOVED_BY = ("channel", "channel_reference")

Field = str | Callable[[E], Any]
"""Where something stands in an event: the name of its field, or what computes it."""


class AmountsDisagree(DomainError):
    """The amounts of an event do not add up to its total."""

    kind = Kind.FAILED_PRECONDITION
    reason = "AMOUNTS_DISAGREE"


class BookedEvent(Generic[E]):
    """How the events of one type become transactions.

    Attributes:
        event: The class.
        transaction_type: The event's name, unless it is given.
        names: Reads related_no and root_reference.
        principal: The field of what the event is about, from 1; the other amounts lie between 0 and it.
        amounts: Where the amounts stand, by the names that charts use.
        parties: Read merchant_id, currency_code and the principal.
        parts: Read the amounts, by the names that charts use.
        amounts_of: Reads all of them, in this order.
        moved_by: Read channel and channel_reference; None of an event that does not say them.
        unbounded: Amounts that may exceed the principal, as the fee of a dispute.
        moves: Whether an event books anything; None if each does whose amounts are not all zero.
        check: Raises what business rule an event breaks; None if there is none.
        waits_on: The kinds of account that amounts wait on until another event ends what this one opened; none where
            they wait outside the ledger, or are not in transit.
        ends: The events of which one opened what this one ends.
        part_of: The event that put aside what this one takes a part of.
        awaited: Whether who sent the event waits to be told that it was refused.
        of_platform: Whether the event is about no merchant.
        accounts: Read the kinds that are debited and credited, where the event names them and not the chart; None
            where the chart does.
        decided: Read why people decided it, and who did last; None where no person decides.
    """

    def __init__(
        self,
        event: type[E],
        *,
        names: tuple[Field[E], Field[E]],
        principal: Field[E] = "amount_minor",
        amounts: Mapping[str, Field[E]] | None = None,
        unbounded: Collection[str] = (),
        moves: Callable[[E], bool] | None = None,
        check: Callable[[E], None] | None = None,
        waits_on: tuple[str, ...] = (),
        ends: tuple[type[Event], ...] = (),
        part_of: type[Event] | None = None,
        awaited: bool = False,
        of_platform: bool = False,
        transaction_type: str | None = None,
        accounts: tuple[Field[E], Field[E]] | None = None,
        decided: tuple[Field[E], Field[E]] | None = None,
    ) -> None:
        self.event = event
        self.transaction_type = transaction_type or event.__name__
        self.names = _reader(*names)
        self.principal = principal if isinstance(principal, str) else PRINCIPAL
        self.amounts = amounts or {PRINCIPAL: principal}
        self.parties = _reader("merchant_id", "currency_code", principal)
        self.parts = tuple((name, _reader(field)) for name, field in self.amounts.items())
        self.amounts_of: Callable[[E], tuple[int, ...]] = _tuple_reader(*self.amounts.values())
        self.moved_by = attrgetter(*_MOVED_BY) if set(_MOVED_BY) <= get_type_hints(event).keys() else None
        self.unbounded = frozenset(unbounded)
        self.moves = moves
        self.check = check
        self.waits_on = waits_on
        self.ends = ends
        self.part_of = part_of
        self.awaited = awaited
        self.of_platform = of_platform
        self.accounts = None if accounts is None else _reader(*accounts)
        self.decided = None if decided is None else _reader(*decided)

    def field_of(self, amount: str) -> str:
        """Return the field of an amount, or its name where it is computed."""
        field = self.amounts[amount]
        return field if isinstance(field, str) else amount


def _reader(*fields: Field[E]) -> Callable[[E], Any]:
    """Read fields of an event: one as it is, several as a tuple."""
    if all(isinstance(field, str) for field in fields):
        return attrgetter(*[str(field) for field in fields])
    readers = [attrgetter(field) if isinstance(field, str) else field for field in fields]
    if len(readers) == 1:
        return readers[0]
    return lambda event: tuple([read(event) for read in readers])


def _tuple_reader(*fields: Field[E]) -> Callable[[E], Any]:
    read = _reader(*fields)
    return read if len(fields) > 1 else lambda event: (read(event),)


def _require_sums(event: SettlementCreated) -> None:
    components = (
        event.payments_minor,
        event.refunds_minor,
        event.fees_minor,
        event.disputes_minor,
        event.reserve_released_minor,
        event.adjustments_minor,
    )
    _require_sum("total_minor", event.total_minor, "its components", sum(components))
    parts = event.net_minor + event.reserve_held_minor
    _require_sum("total_minor", event.total_minor, "net_minor and reserve_held_minor", parts)


def _require_sum(field: str, total: int, what: str, parts: int) -> None:
    if total != parts:
        message = f"{field} is {total}, but {what} add up to {parts}."
        raise AmountsDisagree(message, **{field: str(total), "sum_minor": str(parts)})


def _require_recovered(event: BalanceRecovered) -> None:
    parts = event.settlement_minor + event.receivable_minor
    _require_sum("amount_minor", event.amount_minor, "settlement_minor and receivable_minor", parts)


def _require_overturned(event: DisputeOverturned) -> None:
    parts = event.settlement_minor + event.receivable_minor
    _require_sum("amount_minor", event.amount_minor, "settlement_minor and receivable_minor", parts)


def _refund_moves(event: RefundSuccess) -> bool:
    """Whether a refund books anything: what gave back a capture that was never booked did not, before version 2."""
    return event.suspense_minor > 0 or event.reason is not RefundReason.CONTRADICTION


def _lost(event: DisputeLost) -> int:
    return event.amount_minor - event.returned_minor - event.excess_lost_minor - event.excess_returned_minor


def _when(decision: DisputeDecision, field: str) -> Field[DisputeOverturned]:
    read = attrgetter(field)
    return lambda event: read(event) if event.outcome is decision else 0


def _acquirer_net(event: ChannelStatementClosed) -> int:
    """What the acquirer pays to the platform's bank account; below 0, what it takes from there.

    Computed from the totals, for versions before 3 do not say it. Payouts are not in it, WithdrawalCompleted books
    them.
    """
    captured = event.captured_minor - event.reversed_minor
    refunded = event.refunded_minor - event.refund_returned_minor
    return captured - refunded - event.disputed_minor - event.channel_fee_minor


def _above_zero(amount: Callable[[ChannelStatementClosed], int], sign: int = 1) -> Field[ChannelStatementClosed]:
    return lambda event: max(0, sign * amount(event))


def _channel_fee(event: ChannelStatementClosed) -> int:
    return event.channel_fee_minor


# The fields of related_no and root_reference.
_CAPTURE = ("capture_id", "payment_id")
_REFUND = ("refund_id", "payment_id")
_DISPUTE = ("dispute_id", "payment_id")
_SETTLEMENT = ("settlement_id", "settlement_id")
_WITHDRAWAL = ("withdrawal_id", "withdrawal_id")

_PAYMENTS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(PaymentSuccess, names=_CAPTURE, amounts={PRINCIPAL: "amount_minor", "fee": "fee_minor"}),
    BookedEvent(
        PaymentReversed, names=_CAPTURE, amounts={PRINCIPAL: "amount_minor", "fee_returned": "fee_returned_minor"}
    ),
    BookedEvent(LateCaptureReceived, names=_CAPTURE, waits_on=("suspense",)),
    BookedEvent(LateCaptureAccepted, names=_CAPTURE, ends=(LateCaptureReceived,)),
    # The part of a refund that no booked capture stands behind comes out of suspense.
    BookedEvent(
        RefundSuccess,
        names=_REFUND,
        amounts={
            "suspense": "suspense_minor",
            "merchant": lambda event: event.amount_minor - event.suspense_minor,
            "fee_returned": "fee_returned_minor",
        },
        moves=_refund_moves,
    ),
    BookedEvent(
        RefundReturned,
        names=_REFUND,
        amounts={
            "suspense": "suspense_minor",
            "merchant": lambda event: event.amount_minor - event.suspense_minor,
            "fee": "fee_minor",
        },
    ),
    BookedEvent(
        PaymentContradictionResolved,
        names=("contradiction_id", "payment_id"),
        amounts={"charged": "charged_minor", "written_off": "written_off_minor"},
    ),
)

_DISPUTES: tuple[BookedEvent[Any], ...] = (
    BookedEvent(
        DisputeOpened,
        names=_DISPUTE,
        amounts={
            "excess": "excess_minor",
            "held": lambda event: event.amount_minor - event.excess_minor,
            "fee": "fee_minor",
        },
        unbounded=("fee",),
        waits_on=("merchant.disputed", "channel.disputed"),
    ),
    BookedEvent(
        DisputeWon,
        names=_DISPUTE,
        amounts={
            "excess": "excess_minor",
            "held": lambda event: event.amount_minor - event.excess_minor,
            "fee_returned": "fee_returned_minor",
        },
        unbounded=("fee_returned",),
        ends=(DisputeOpened,),
    ),
    BookedEvent(
        DisputeLost,
        names=_DISPUTE,
        amounts={
            "returned": "returned_minor",
            "excess_lost": "excess_lost_minor",
            "excess_returned": "excess_returned_minor",
            "lost": _lost,
        },
        ends=(DisputeOpened,),
    ),
    BookedEvent(
        DisputeOverturned,
        names=("overturn_id", "payment_id"),
        amounts={
            "won_settlement": _when(DisputeDecision.WON, "settlement_minor"),
            "won_receivable": _when(DisputeDecision.WON, "receivable_minor"),
            "lost_settlement": _when(DisputeDecision.LOST, "settlement_minor"),
            "lost_receivable": _when(DisputeDecision.LOST, "receivable_minor"),
        },
        check=_require_overturned,
    ),
)

_SETTLEMENTS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(
        SettlementCreated,
        names=_SETTLEMENT,
        principal="total_minor",
        amounts={"net": "net_minor", "reserve": "reserve_held_minor"},
        check=_require_sums,
        waits_on=("merchant.reserve",),
        awaited=True,
    ),
    BookedEvent(
        ReserveReleased,
        names=(lambda event: event.release_id or event.settlement_id, "settlement_id"),
        part_of=SettlementCreated,
        awaited=True,
    ),
    BookedEvent(ReserveConsumed, names=("consumption_id", "settlement_id"), part_of=SettlementCreated, awaited=True),
    BookedEvent(
        BalanceRecovered,
        names=("recovery_id", "recovery_id"),
        amounts={"settlement": "settlement_minor", "receivable": "receivable_minor"},
        check=_require_recovered,
        awaited=True,
    ),
)

_WITHDRAWALS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(WithdrawalCreated, names=_WITHDRAWAL, waits_on=("merchant.withdrawing",), awaited=True),
    BookedEvent(WithdrawalRejected, names=_WITHDRAWAL, ends=(WithdrawalCreated,)),
    # A withdrawal that failed or was cancelled before the ledger held its amount has nothing to give back.
    BookedEvent(WithdrawalFailed, names=_WITHDRAWAL, ends=(WithdrawalCreated,), moves=lambda event: event.funds_held),
    BookedEvent(
        WithdrawalCancelled, names=_WITHDRAWAL, ends=(WithdrawalCreated,), moves=lambda event: event.funds_held
    ),
    BookedEvent(WithdrawalCompleted, names=_WITHDRAWAL, ends=(WithdrawalCreated,)),
    # Paid out after all: never refused, whatever was believed before.
    BookedEvent(WithdrawalPaidLate, names=_WITHDRAWAL),
    BookedEvent(
        WithdrawalReturned,
        names=_WITHDRAWAL,
        amounts={"returned": lambda event: event.amount_minor - event.bank_fee_minor},
        ends=(WithdrawalCompleted, WithdrawalPaidLate),
    ),
    BookedEvent(WithdrawalBounced, names=_WITHDRAWAL, ends=(WithdrawalCompleted, WithdrawalPaidLate)),
)

_CHANNELS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(
        ChannelStatementClosed,
        names=("statement_id", "statement_id"),
        principal=lambda event: abs(_acquirer_net(event)) + abs(_channel_fee(event)),
        amounts={
            "paid": _above_zero(_acquirer_net),
            "paid_back": _above_zero(_acquirer_net, -1),
            "fee": _above_zero(_channel_fee),
            "fee_returned": _above_zero(_channel_fee, -1),
        },
        moves=lambda event: _acquirer_net(event) != 0 or _channel_fee(event) != 0,
        of_platform=True,
    ),
)

_CORRECTIONS: tuple[BookedEvent[Any], ...] = (
    BookedEvent(
        CorrectionApproved,
        transaction_type="Correction",
        names=("correction_id", "discrepancy_id"),
        accounts=("debit_account_kind", "credit_account_kind"),
        decided=("reason", "approver"),
        awaited=True,
        of_platform=True,
    ),
)

BOOKED_EVENTS: tuple[BookedEvent[Any], ...] = (
    *(*_PAYMENTS, *_DISPUTES, *_SETTLEMENTS, *_WITHDRAWALS),
    *(*_CHANNELS, *_CORRECTIONS),
)
"""Every event that the ledger books."""

BOOKED_TYPES = frozenset(booked.transaction_type for booked in BOOKED_EVENTS)
"""The types of the transactions that events book, and callers do not."""

BY_CLASS: Mapping[type[Event], BookedEvent[Any]] = {booked.event: booked for booked in BOOKED_EVENTS}


def of(event: Event) -> BookedEvent[Any]:
    """Return the entry of an event."""
    return BY_CLASS[type(event)]
