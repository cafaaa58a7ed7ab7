"""Counts events into figures, set-based."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from paykit.postgres.database import Tx
from paystream.payment.v1.events import PaymentCreated
from services.analytics import store
from services.analytics.domain import counting, figure
from services.analytics.domain.counting import CountedEvent, PaymentOrigin
from services.analytics.domain.figure import FigureKey
from services.analytics.store import ChangedKey

FIGURES = "figures"
"""The signal that figures changed."""

StripedEvent: TypeAlias = tuple[Any, int]
"""An event, and the partition that it came from."""


async def count_events(tx: Tx, events: Sequence[StripedEvent]) -> None:
    """Add events of one type to the figures, and tell those who follow them."""
    keys = await keep_figures(tx, events)
    changed = {ChangedKey(key.merchant_id, key.currency_code, key.quarter_time) for key in keys}
    await store.note_changes(tx, changed)
    if changed:
        tx.wake(FIGURES)


async def keep_figures(tx: Tx, events: Sequence[StripedEvent]) -> Iterable[FigureKey]:
    """Add events of one type to the figures, and return which these are."""
    counted_events = await _counted_events(tx, events)
    sums = figure.summed(part for counted_event in counted_events for part in counting.counted(counted_event))
    await store.add_to_figures(tx, sums)
    return sums


async def _counted_events(tx: Tx, events: Sequence[StripedEvent]) -> list[CountedEvent]:
    """Put to events what is known of their payments."""
    if events and isinstance(events[0][0], PaymentCreated):
        await store.origins.insert_absent(tx, [counting.origin_of(event) for event, _ in events])
        return [CountedEvent(event, stripe) for event, stripe in events]
    payment_ids = {event.payment_id for event, _ in events if _needs_origin(event)}
    origins = await store.origins.by_key(tx, payment_ids)
    captured = [event.payment_id for event, _ in events if counting.is_capture(event)]
    first = await store.mark_captured(tx, captured)
    return [_counted_event(event, stripe, origins, first) for event, stripe in events]


def _needs_origin(event: Any) -> bool:
    """Whether an event of a payment leaves out what is counted by: its method, or when it began."""
    return hasattr(event, "payment_id") and (counting.is_capture(event) or not hasattr(event, "method"))


def _counted_event(event: Any, stripe: int, origins: dict[str, PaymentOrigin], first: set[str]) -> CountedEvent:
    """Make one; of several captures of a payment, the first that comes is the first."""
    payment_id = getattr(event, "payment_id", "")
    is_first = payment_id in first
    first.discard(payment_id)
    return CountedEvent(event, stripe, origin=origins.get(payment_id), first_capture=is_first)
