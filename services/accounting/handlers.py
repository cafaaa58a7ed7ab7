"""Events that move money, to transactions of the ledger: one handler for each, all by the table of `booking`.

An event booked before changes nothing. One booked with other content, or that breaks a rule that any service keeps, is
impossible: a dead letter. So is the end of what was never opened, for topic and key are the same and the order is
kept. What lacks funds may have come early, for topics have no order among each other: it is parked, and refused only
after FUNDS_WAIT_S. A refusal that somebody waits for is no failure but an outcome: TransactionRejected tells them. One
that nobody waits for is a dead letter, for a person to look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Impossible, NotYet
from paykit.errors import DomainError, Kind
from paykit.postgres.database import Tx
from paystream.payment.v1.events import DisputeLost, DisputeOpened, DisputeWon, PaymentSuccess, RefundSuccess
from paystream.settlement.v1.events import ReserveReleased, SettlementCreated
from paystream.withdrawal.v1.events import (
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import charts
from services.accounting.commands import posting
from services.accounting.commands.posting import Posting
from services.accounting.domain import booking
from services.accounting.domain import lifecycle as life
from services.accounting.domain import transaction as domain
from services.accounting.domain.transaction import InsufficientFunds, Transaction
from services.accounting.store import postings as store

FUNDS_WAIT_S = 3.0
"""Real time that an event waits in vain for funds which may be on their way. Source: docs/adr/0009."""


async def on_payment_success(tx: Tx, deliveries: Sequence[Delivered[PaymentSuccess]]) -> Sequence[HandlerResult]:
    """Book captures with their fees."""
    return await _book(tx, deliveries)


async def on_refund_success(tx: Tx, deliveries: Sequence[Delivered[RefundSuccess]]) -> Sequence[HandlerResult]:
    """Book refunds with the fees returned, but for those of captures that were never booked."""
    return await _book(tx, deliveries)


async def on_dispute_opened(tx: Tx, deliveries: Sequence[Delivered[DisputeOpened]]) -> Sequence[HandlerResult]:
    """Set aside what is disputed."""
    return await _book(tx, deliveries)


async def on_dispute_won(tx: Tx, deliveries: Sequence[Delivered[DisputeWon]]) -> Sequence[HandlerResult]:
    """Give the merchant back what was disputed."""
    return await _book(tx, deliveries)


async def on_dispute_lost(tx: Tx, deliveries: Sequence[Delivered[DisputeLost]]) -> Sequence[HandlerResult]:
    """Take away what was disputed."""
    return await _book(tx, deliveries)


async def on_settlement_created(tx: Tx, deliveries: Sequence[Delivered[SettlementCreated]]) -> Sequence[HandlerResult]:
    """Make the net amount of settlements available, and hold their reserve; settlement waits for the answer."""
    return await _book_awaited(tx, deliveries)


async def on_reserve_released(tx: Tx, deliveries: Sequence[Delivered[ReserveReleased]]) -> Sequence[HandlerResult]:
    """Put reserves back to what awaits settlement."""
    return await _book(tx, deliveries)


async def on_withdrawal_created(tx: Tx, deliveries: Sequence[Delivered[WithdrawalCreated]]) -> Sequence[HandlerResult]:
    """Hold what is to be withdrawn; withdrawal waits for the answer."""
    return await _book_awaited(tx, deliveries)


async def on_withdrawal_rejected(
    tx: Tx, deliveries: Sequence[Delivered[WithdrawalRejected]]
) -> Sequence[HandlerResult]:
    """Make available again what a second person would not let go."""
    return await _book(tx, deliveries)


async def on_withdrawal_failed(tx: Tx, deliveries: Sequence[Delivered[WithdrawalFailed]]) -> Sequence[HandlerResult]:
    """Make available again what the bank did not pay out, where it was held at all."""
    return await _book(tx, deliveries)


async def on_withdrawal_completed(
    tx: Tx, deliveries: Sequence[Delivered[WithdrawalCompleted]]
) -> Sequence[HandlerResult]:
    """Take away what the bank has paid out."""
    return await _book(tx, deliveries)


async def on_withdrawal_returned(
    tx: Tx, deliveries: Sequence[Delivered[WithdrawalReturned]]
) -> Sequence[HandlerResult]:
    """Make available again what the bank had paid out and gave back."""
    return await _book(tx, deliveries)


async def _book(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> list[HandlerResult]:
    """Book events of one type that nobody waits for; the amount of one that lacks funds was taken by a journal."""
    results = zip(deliveries, await _post(tx, deliveries), strict=True)
    return [_refused(delivered, result) if isinstance(result, DomainError) else None for delivered, result in results]


async def _book_awaited(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> list[HandlerResult]:
    """Book events of one type whose answer somebody waits for, and remember refusals.

    A repetition of what was refused changes nothing, also when funds are there by now: who waited was told.
    """
    outcomes: list[HandlerResult] = []
    for run in _without_repetitions(deliveries):
        refused = await store.find_refusals(tx, run)
        asked = {each: delivered for each, delivered in run.items() if each not in refused}
        answers = dict(zip(asked, await _answer(tx, asked), strict=True))
        outcomes += [answers.get(each) for each in run]
    return outcomes


def _without_repetitions(deliveries: Sequence[Delivered[Any]]) -> Iterator[dict[str, Delivered[Any]]]:
    """Give runs of events by the transaction that each asks for, so that a repetition sees the answer before it."""
    run: dict[str, Delivered[Any]] = {}
    for delivered in deliveries:
        transaction_id = booking.id_of(delivered.event)
        if transaction_id in run:
            yield run
            run = {}
        run[transaction_id] = delivered
    yield run


async def _answer(tx: Tx, asked: Mapping[str, Delivered[Any]]) -> list[HandlerResult]:
    """Book, and tell of refusals by a rule of business; what is booked already is not refused, but contradicted."""
    results = dict(zip(asked, await _post(tx, list(asked.values())), strict=True))
    refusals = {
        each: result
        for each, result in results.items()
        if isinstance(result, DomainError) and _is_final(asked[each], result)
    }
    booked = await store.find_transactions(tx, refusals)
    told = {each: refusal for each, refusal in refusals.items() if each not in booked}
    await _tell(tx, [(asked[each], refusal) for each, refusal in told.items()])
    contradicted = {each: domain.conflict(transaction) for each, transaction in booked.items()}
    return [
        _refused(asked[each], contradicted.get(each, result))
        if isinstance(result, DomainError) and each not in told
        else None
        for each, result in results.items()
    ]


def _is_final(delivered: Delivered[Any], refusal: DomainError) -> bool:
    """Say whether a refusal is by a rule of business, and time will not help."""
    waits = isinstance(_refused(delivered, refusal), NotYet)
    return refusal.kind is Kind.FAILED_PRECONDITION and not waits


async def _tell(tx: Tx, told: Sequence[tuple[Delivered[Any], DomainError]]) -> None:
    if not told:
        return
    rejections = [booking.rejected(delivered.event, refusal) for delivered, refusal in told]
    await store.insert_refusals(tx, rejections)
    for rejection, (delivered, _) in zip(rejections, told, strict=True):
        tx.emit(rejection, cause=delivered.cause)


def _refused(delivered: Delivered[Any], refusal: DomainError) -> HandlerResult:
    if isinstance(refusal, InsufficientFunds) and delivered.waited_s < FUNDS_WAIT_S:
        return NotYet(f"funds: {refusal.message}")
    return Impossible(refusal)


async def _post(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> list[Transaction | DomainError | None]:
    """Book events of one type; None for one that moves nothing."""
    if not deliveries:
        return []
    chart = charts.load(await store.chart_in_use(tx))
    now = tx.now
    made = [booking.book(chart, delivered.event, now) for delivered in deliveries]
    event = deliveries[0].event
    if type(event).__name__ in life.ENDED_BY:
        made = await _refuse_endings(tx, made)
    first_stripe = domain.FIRST_STRIPES[event.TOPIC]
    asked = [
        Posting(each, delivered.cause, first_stripe + delivered.partition % domain.STRIPES)
        for each, delivered in zip(made, deliveries, strict=True)
        if isinstance(each, Transaction)
    ]
    booked = iter(await posting.post(tx, chart, asked))
    return [next(booked) if isinstance(each, Transaction) else each for each in made]


async def _refuse_endings(
    tx: Tx, made: Sequence[Transaction | DomainError | None]
) -> list[Transaction | DomainError | None]:
    """Put a refusal in the place of each transaction that ends what is not open, or holds another amount."""
    endings = [each for each in made if isinstance(each, Transaction)]
    booked = await store.find_transactions(tx, life.ids_before(endings))
    return [(life.refuse(each, booked) or each) if isinstance(each, Transaction) else each for each in made]
