"""Events that move money, to transactions of the ledger."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import compress
from typing import TypeVar

from paykit.errors import DomainError
from paykit.runtime.db import Tx
from paykit.runtime.delivery import Delivered, Impossible, Outcome
from paystream.payment.v1.events import PaymentSuccess, RefundReason, RefundSuccess
from services.accounting import charts, domain, posting, store
from services.accounting.chart import Chart
from services.accounting.domain import InsufficientFunds, Transaction
from services.accounting.posting import Posting

E = TypeVar("E", PaymentSuccess, RefundSuccess)


async def on_payment_success(tx: Tx, deliveries: Sequence[Delivered[PaymentSuccess]]) -> Sequence[Outcome]:
    """Book captures with their fees.

    A capture booked before changes nothing; one booked with other content, or that breaks a rule that any payment
    service keeps, is impossible.
    """
    return await _book(tx, await _chart(tx), deliveries, domain.book_capture)


async def on_refund_success(tx: Tx, deliveries: Sequence[Delivered[RefundSuccess]]) -> Sequence[Outcome]:
    """Book refunds with the fees returned; replays and impossible ones as for captures.

    What gives back a capture that became known after the payment had failed is left out: that capture was never booked.
    """
    of_booked = [delivered.event.reason is not RefundReason.CONTRADICTION for delivered in deliveries]
    outcomes = iter(await _book(tx, await _chart(tx), list(compress(deliveries, of_booked)), domain.book_refund))
    return [next(outcomes) if booked else None for booked in of_booked]


async def _chart(tx: Tx) -> Chart:
    return charts.load(await store.chart_in_use(tx))


async def _book(
    tx: Tx,
    chart: Chart,
    deliveries: Sequence[Delivered[E]],
    book: Callable[[Chart, E, datetime], Transaction | DomainError],
) -> list[Outcome]:
    now = tx.now
    made = [book(chart, delivered.event, now) for delivered in deliveries]
    asked = [
        Posting(each, delivered.cause, delivered.partition % domain.STRIPES)
        for each, delivered in zip(made, deliveries, strict=True)
        if isinstance(each, Transaction)
    ]
    results = zip(asked, await posting.post(tx, chart, asked), strict=True)
    return [Impossible(each) if isinstance(each, DomainError) else _outcome(tx, *next(results)) for each in made]


def _outcome(tx: Tx, asked: Posting, result: Transaction | DomainError) -> Outcome:
    """A refusal for want of funds is an outcome that others wait for, not a failure: an event tells them."""
    if isinstance(result, InsufficientFunds):
        tx.emit(domain.rejected_event(asked.transaction, result), cause=asked.cause)
        return None
    return Impossible(result) if isinstance(result, DomainError) else None
