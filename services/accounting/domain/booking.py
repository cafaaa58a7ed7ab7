"""What each event books: the names, the amounts, and when nothing at all. Pure.

Each event books one transaction, whose type is the event's name. Where the amounts go is the chart's business; a table
says here where in the event they stand.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from paykit.errors import CurrencyUnknown, DomainError, FieldInvalid, Kind
from paykit.money import AMOUNT_MINOR_MAX, EXPONENTS
from paystream.accounting.v1 import events
from paystream.accounting.v1.events import Entry
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
from services.accounting.domain.chart import PRINCIPAL, Chart
from services.accounting.domain.transaction import Transaction, transaction_id

MovingEvent = (
    PaymentSuccess
    | RefundSuccess
    | DisputeOpened
    | DisputeWon
    | DisputeLost
    | SettlementCreated
    | ReserveReleased
    | WithdrawalCreated
    | WithdrawalRejected
    | WithdrawalFailed
    | WithdrawalCompleted
    | WithdrawalReturned
)
"""An event that moves money."""


class AmountsDisagree(DomainError):
    """The amounts of a settlement do not add up to its total."""

    kind = Kind.FAILED_PRECONDITION
    reason = "AMOUNTS_DISAGREE"


class Rule:
    """How the events of one type become transactions: where in the event everything stands.

    Attributes:
        transaction_type: The event's name.
        names: Gives related_no and root_reference.
        parties: Gives merchant_id, currency_code and the principal.
        parts: Give the amounts, by the names that charts use.
        principal: What the event is about, from 1; the other amounts lie between 0 and it.
        amounts: Their fields, by the names that charts use.
        books: Says whether an event books anything.
        refuse: Says what business rule, if any, an event breaks.
    """

    def __init__(
        self,
        event: type[MovingEvent],
        *,
        names: tuple[str, str],
        principal: str = "amount_minor",
        amounts: Mapping[str, str] | None = None,
        books: Callable[[Any], bool] | None = None,
        refuse: Callable[[Any], DomainError | None] | None = None,
    ) -> None:
        self.transaction_type = event.__name__
        self.principal = principal
        self.amounts = amounts or {PRINCIPAL: principal}
        self.books = books
        self.refuse = refuse
        self.names = attrgetter(*names)
        self.parties = attrgetter("merchant_id", "currency_code", principal)
        self.parts = tuple((name, attrgetter(field)) for name, field in self.amounts.items())


def _adds_up(event: SettlementCreated) -> DomainError | None:
    parts = (
        event.payments_minor,
        event.refunds_minor,
        event.fees_minor,
        event.disputes_minor,
        event.reserve_released_minor,
        event.adjustments_minor,
    )
    for what, total in (
        ("its components", sum(parts)),
        ("net_minor and reserve_held_minor", event.net_minor + event.reserve_held_minor),
    ):
        if total != event.total_minor:
            message = f"total_minor is {event.total_minor}, but {what} add up to {total}."
            return AmountsDisagree(message, total_minor=str(event.total_minor), sum_minor=str(total))
    return None


# The fields of related_no and root_reference.
_DISPUTE = ("dispute_id", "payment_id")
_SETTLEMENT = ("settlement_id", "settlement_id")
_WITHDRAWAL = ("withdrawal_id", "withdrawal_id")

RULES: Mapping[type[MovingEvent], Rule] = {
    PaymentSuccess: Rule(
        PaymentSuccess,
        names=("capture_id", "payment_id"),
        amounts={PRINCIPAL: "amount_minor", "fee": "fee_minor"},
    ),
    # What gives back a capture that became known after the payment had failed: that capture was never booked.
    RefundSuccess: Rule(
        RefundSuccess,
        names=("refund_id", "payment_id"),
        amounts={PRINCIPAL: "amount_minor", "fee_returned": "fee_returned_minor"},
        books=lambda event: event.reason is not RefundReason.CONTRADICTION,
    ),
    DisputeOpened: Rule(DisputeOpened, names=_DISPUTE),
    DisputeWon: Rule(DisputeWon, names=_DISPUTE),
    DisputeLost: Rule(DisputeLost, names=_DISPUTE),
    SettlementCreated: Rule(
        SettlementCreated,
        names=_SETTLEMENT,
        principal="total_minor",
        amounts={"net": "net_minor", "reserve": "reserve_held_minor"},
        refuse=_adds_up,
    ),
    ReserveReleased: Rule(ReserveReleased, names=_SETTLEMENT),
    WithdrawalCreated: Rule(WithdrawalCreated, names=_WITHDRAWAL),
    WithdrawalRejected: Rule(WithdrawalRejected, names=_WITHDRAWAL),
    # A withdrawal that failed because the ledger refused to hold its amount has nothing to give back.
    WithdrawalFailed: Rule(WithdrawalFailed, names=_WITHDRAWAL, books=lambda event: event.funds_held),
    WithdrawalCompleted: Rule(WithdrawalCompleted, names=_WITHDRAWAL),
    WithdrawalReturned: Rule(WithdrawalReturned, names=_WITHDRAWAL),
}
"""Every event that the ledger books."""


def id_of(event: MovingEvent) -> str:
    """Give the id of the transaction that an event asks for."""
    rule = RULES[type(event)]
    return transaction_id(rule.transaction_type, rule.names(event)[0])


def book(chart: Chart, event: MovingEvent, now: datetime) -> Transaction | DomainError | None:
    """Make the transaction of an event; an amount of zero books no entry.

    Returns:
        The transaction; None where the event moves nothing; AmountsDisagree for a settlement that does not add up;
        FieldInvalid or CurrencyUnknown for an event that no correct service sends.
    """
    rule = RULES[type(event)]
    if rule.books is not None and not rule.books(event):
        return None
    merchant_id, currency_code, principal = rule.parties(event)
    amounts = {name: value(event) for name, value in rule.parts}
    refusal = _check(rule, merchant_id, currency_code, principal, amounts) or (rule.refuse and rule.refuse(event))
    if refusal is not None:
        return refusal
    related_no, root_reference = rule.names(event)
    return Transaction(
        transaction_id=transaction_id(rule.transaction_type, related_no),
        transaction_type=rule.transaction_type,
        related_no=related_no,
        root_reference=root_reference,
        merchant_id=merchant_id,
        direction=chart.types[rule.transaction_type].direction,
        amount_minor=principal,
        currency_code=currency_code,
        effective_at=event.occurred_at,
        create_time=now,
        entries=tuple(
            [
                Entry(
                    account_id=template.account_id,
                    account_kind=template.account_kind,
                    merchant_id=template.merchant_id,
                    side=template.side,
                    effect=template.effect,
                    amount_minor=amount,
                    currency_code=currency_code,
                )
                for template in chart.templates(rule.transaction_type, merchant_id, currency_code)
                if (amount := amounts[template.amount])
            ]
        ),
    )


def _check(
    rule: Rule, merchant_id: str | None, currency_code: str, principal: int, amounts: Mapping[str, int]
) -> DomainError | None:
    if merchant_id is None:
        return FieldInvalid("merchant_id is missing.", field="merchant_id")
    if currency_code not in EXPONENTS:
        return CurrencyUnknown(f"{currency_code!r} is not an ISO 4217 currency in use.", field="currency_code")
    if not 1 <= principal <= AMOUNT_MINOR_MAX:
        return FieldInvalid(f"{rule.principal} is {principal}, not from 1 to 2^53 - 1.", field=rule.principal)
    for name, amount in amounts.items():
        if not 0 <= amount <= principal:
            field = rule.amounts[name]
            return FieldInvalid(f"{field} is {amount}, not from 0 to {rule.principal} {principal}.", field=field)
    return None


def rejected(event: MovingEvent, refusal: DomainError) -> events.TransactionRejected:
    """Tell those who wait that what an event asked for is not booked."""
    rule = RULES[type(event)]
    related_no, root_reference = rule.names(event)
    return events.TransactionRejected(
        occurred_at=event.occurred_at,
        merchant_id=event.merchant_id,
        aggregate_version=1,
        transaction_type=rule.transaction_type,
        related_no=related_no,
        root_reference=root_reference,
        reason=refusal.reason,
    )
