"""Events of the ledger and of merchants, to commands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, cast

from prometheus_client import Histogram

from paykit.base.metrics import AGE_BUCKETS_S
from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.events import codec
from paykit.events.shape_reading import Shape, by_shape
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from services.settlement import commands, store
from services.settlement.commands.booking import RecordBooking, RecordRejection
from services.settlement.domain import fund_transfer, quick_item
from services.settlement.domain.balance import changes_of
from services.settlement.domain.fund_transfer import FundTransfer
from services.settlement.domain.item import BOOKING, items_of
from services.settlement.domain.item_form import CollectedItem
from services.settlement.domain.quick_item import ShapedTransaction
from services.settlement.domain.settlement import Settlement

_DAY_S = 86_400.0
_decode = partial(codec.decode_own, TransactionCreated)
BOOKED_TO_SETTLED = Histogram(
    "paystream_booked_to_settled_seconds",
    "Business time from when a settlement began to collect what was booked to when the ledger settled it.",
    buckets=(60.0, 900.0, 3_600.0, 21_600.0, *(days * _DAY_S for days in (0.5, 1, 2, 3, 5, 7, 14, 30))),
)
CLOSED_TO_SETTLED = Histogram(
    "paystream_closed_to_settled_seconds",
    "Business time from when a settlement was closed, as its policy says, to when the ledger settled it.",
    buckets=AGE_BUCKETS_S,
)


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated | ShapedTransaction]]
) -> Sequence[HandlerResult]:
    """Follow balances, and collect what the ledger booked; settlements and transfers that it booked are completed.

    A transaction collected before changes nothing, nor does one that touches no account of a merchant.
    """
    shaped, others = by_shape([delivery.event for delivery in deliveries])
    whole = [cast("Delivered[TransactionCreated]", deliveries[at]) for at in others]
    items = _items_of(len(deliveries), shaped, zip(others, (each.event for each in whole), strict=True))
    changes = [change for delivery in whole for change in changes_of(delivery.event)]
    await commands.following.follow(tx, changes, items)
    if items:
        await commands.collecting.collect(tx, items)
    bookings = [RecordBooking(d.event, d.cause) for d in whole if d.event.transaction_type == BOOKING]
    completed = await commands.booking.complete_settlements(tx, bookings) if bookings else []
    tx.after_commit.append(partial(_observe_settled, completed, tx.now))
    moved = [RecordBooking(d.event, d.cause) for d in whole if _is_transfer(d.event)]
    booked = await commands.transferring.book_transfers(tx, moved) if moved else []
    return _outcomes(deliveries, settlements=completed, transfers=booked)


def _items_of(
    count: int,
    shaped: Mapping[Shape, tuple[Sequence[int], Sequence[bytes]]],
    whole: Iterable[tuple[int, TransactionCreated]],
) -> list[CollectedItem]:
    """Return the items of so many transactions, shaped and whole ones with their positions, in the order of these."""
    found: list[Sequence[CollectedItem]] = [()] * count
    for at, event in whole:
        if event.transaction_type != BOOKING:
            found[at] = items_of(event)
    for shape, (ats, messages) in shaped.items():
        for at, data, item in zip(ats, messages, quick_item.cut(shape, messages), strict=True):
            found[at] = (item,) if item is not None else items_of(_decode(data))
    return [*chain.from_iterable(found)]


async def keep_balances(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated | ShapedTransaction]]
) -> Sequence[HandlerResult]:
    """Keep what transactions did to balances, and do nothing else."""
    whole = [delivery.event for delivery in deliveries if not isinstance(delivery.event, ShapedTransaction)]
    await store.balance_changes.add(tx, [change for event in whole for change in changes_of(event)])
    return [None] * len(deliveries)


async def on_transaction_rejected(
    tx: Tx, deliveries: Sequence[Delivered[TransactionRejected]]
) -> Sequence[HandlerResult]:
    """Record settlements and transfers that the ledger refused; other refusals are nothing to us."""
    refusals = [RecordRejection(d.event, d.cause) for d in deliveries if d.event.transaction_type == BOOKING]
    unmoved = [RecordRejection(d.event, d.cause) for d in deliveries if _is_transfer(d.event)]
    refused = await commands.transferring.refuse_transfers(tx, unmoved) if unmoved else []
    # Two steps, each of which locks in the order declared.
    tx.restart_lock_order()
    failed = await commands.booking.record_rejections(tx, refusals) if refusals else []
    return _outcomes(deliveries, settlements=failed, transfers=refused)


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and have what is pending looked at by it."""
    await store.merchants.change_alone(tx)
    changed = await store.merchants.keep(tx, deliveries)
    await commands.closing.review_now(tx, [str(event.merchant_id) for event in changed])
    return [None] * len(deliveries)


async def keep_policies(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and do nothing else."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


def _observe_settled(completed: Sequence[Settlement | DomainError], now: datetime) -> None:
    """Count what was completed now, each once; what was completed before bears the time of then."""
    done = {each.settlement_id: each for each in completed if isinstance(each, Settlement) and each.update_time == now}
    for settlement in done.values():
        BOOKED_TO_SETTLED.observe((now - settlement.create_time).total_seconds())
        if settlement.close_time is not None:
            CLOSED_TO_SETTLED.observe((now - settlement.close_time).total_seconds())


def _is_transfer(event: TransactionCreated | TransactionRejected) -> bool:
    """Return whether a transaction is one that we asked for under an id of its own, as all are since version 2."""
    return event.transaction_type in fund_transfer.KINDS and not event.related_no.startswith("stl_")


def _outcomes(
    deliveries: Sequence[Delivered[Any]],
    *,
    settlements: Sequence[Settlement | DomainError],
    transfers: Sequence[FundTransfer | DomainError],
) -> list[HandlerResult]:
    """Put refusals in the places of their deliveries; about the others there is nothing to say."""
    if not settlements and not transfers:
        return [None] * len(deliveries)
    of_settlements, of_transfers = map(_refusals, (settlements, transfers))
    return [
        None
        if isinstance(delivery.event, ShapedTransaction)
        else next(of_settlements)
        if delivery.event.transaction_type == BOOKING
        else next(of_transfers)
        if _is_transfer(delivery.event)
        else None
        for delivery in deliveries
    ]


def _refusals(results: Sequence[object]) -> Iterator[HandlerResult]:
    return iter([Impossible(result) if isinstance(result, DomainError) else None for result in results])
