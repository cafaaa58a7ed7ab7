"""From an event to the transaction that it books, by the table of booked events and the chart. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from paykit.errors import DomainError, FieldInvalid
from paykit.events.event import Event
from paykit.money import AMOUNT_MINOR_MAX, require_known_currency
from paystream.accounting.v1 import events
from paystream.accounting.v1.events import Entry
from services.accounting.domain import booked_event, correction
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart, EntryTemplate
from services.accounting.domain.period import first_open
from services.accounting.domain.transaction import Transaction, transaction_id


def id_of(event: Event) -> str:
    """Return the id of the transaction that an event asks for."""
    booked = booked_event.of(event)
    return transaction_id(booked.transaction_type, booked.names(event)[0])


def book(chart: Chart, event: Any, now: datetime, *, closed_through: datetime | None = None) -> Transaction | None:
    """Make the transaction of an event; None where it moves nothing that the chart books.

    Of zero there is no entry. What happened in a period that is closed is effective in the first moment after it.

    Raises:
        AmountsDisagree: The amounts do not add up.
        CorrectionNotPossible: It names accounts that no correction moves.
        FieldInvalid, CurrencyUnknown: No correct service sends such an event.
    """
    booked = booked_event.of(event)
    if booked.moves is not None and not booked.moves(event):
        return None
    merchant_id, currency_code, principal = booked.parties(event)
    amounts = {name: value(event) for name, value in booked.parts}
    _check(booked, merchant_id, currency_code, principal, amounts)
    if booked.check is not None:
        booked.check(event)
    if booked.accounts is not None:
        debit, credit = booked.accounts(event)
        entries, direction = correction.entries(chart, debit, credit, principal, currency_code), None
    else:
        event_type = chart.types[booked.transaction_type]
        entries = _entries(chart.templates(booked.transaction_type, merchant_id, currency_code), amounts, currency_code)
        direction = chart.direction_of(entries) if event_type.either else event_type.direction
    if not entries:
        return None
    related_no, root_reference = booked.names(event)
    effective_at = first_open(event.occurred_at, closed_through)
    reason, actor = (None, None) if booked.decided is None else booked.decided(event)
    channel, channel_reference = (None, None) if booked.moved_by is None else booked.moved_by(event)
    return Transaction(
        transaction_id=transaction_id(booked.transaction_type, related_no),
        transaction_type=booked.transaction_type,
        related_no=related_no,
        root_reference=root_reference,
        merchant_id=merchant_id,
        direction=direction,
        amount_minor=principal,
        currency_code=currency_code,
        effective_at=effective_at,
        occurred_at=None if effective_at is event.occurred_at else event.occurred_at,
        create_time=now,
        entries=entries,
        actor=actor,
        reason=reason,
        channel=channel,
        channel_reference=channel_reference,
        fee_minor=amounts.get("fee", 0) - amounts.get("fee_returned", 0),
    )


def _entries(templates: Sequence[EntryTemplate], amounts: Mapping[str, int], currency_code: str) -> tuple[Entry, ...]:
    return tuple(
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
            for template in templates
            if (amount := amounts[template.amount])
        ]
    )


def _check(
    booked: BookedEvent[Any], merchant_id: str | None, currency_code: str, principal: int, amounts: Mapping[str, int]
) -> None:
    if merchant_id is None and not booked.of_platform:
        raise FieldInvalid("merchant_id is missing.", field="merchant_id")
    require_known_currency(currency_code)
    if not 1 <= principal <= AMOUNT_MINOR_MAX:
        raise FieldInvalid(f"{booked.principal} is {principal}, not from 1 to 2^53 - 1.", field=booked.principal)
    for name, amount in amounts.items():
        most = AMOUNT_MINOR_MAX if name in booked.unbounded else principal
        if not 0 <= amount <= most:
            field = booked.field_of(name)
            raise FieldInvalid(f"{field} is {amount}, not from 0 to {booked.principal} {most}.", field=field)


def rejected(event: Event, refusal: DomainError) -> events.TransactionRejected:
    """Tell those who wait that what an event asked for is not booked."""
    booked = booked_event.of(event)
    related_no, root_reference = booked.names(event)
    return events.TransactionRejected(
        occurred_at=event.occurred_at,
        merchant_id=event.merchant_id,
        aggregate_version=1,
        transaction_type=booked.transaction_type,
        related_no=related_no,
        root_reference=root_reference,
        reason=refusal.reason,
    )
