"""Events that move money, to transactions of the ledger: one handler for each entry of the table of booked events.

An event booked before changes nothing. One booked with other content, or that breaks a rule that any service keeps, is
impossible: a dead letter. So is the end of what was never opened, for topic and key are the same and the order is
kept. What lacks funds may have come early, for topics have no order among each other: it is parked, and refused only
after FUNDS_WAIT_S. A refusal that somebody waits for is no failure but an outcome: TransactionRejected tells them. One
that nobody waits for is a dead letter, for a person to look at.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from paykit.base.metrics import AgeHistogram
from paykit.consume.delivery import (
    Delivered,
    FastLane,
    Handle,
    Handler,
    HandlerResult,
    Impossible,
    NotYet,
    Subscription,
)
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.postgres.database import Tx
from services.accounting.commands.events import BookEvent, answer_events, book_events
from services.accounting.domain.booked_event import BY_CLASS, BookedEvent
from services.accounting.domain.plain.booking import PlainBooking
from services.accounting.domain.transaction import FIRST_STRIPES, STRIPES, InsufficientFunds, Transaction

FUNDS_WAIT_S = 3.0
"""Real time that an event waits in vain for funds which may be on their way. Source: docs/adr/0009."""

ACCEPTED_TO_BOOKED = AgeHistogram(
    "paystream_accepted_to_booked_seconds",
    "Business time from when an event was recorded to the transaction that booked it, each booking once.",
)


def subscription(events: Sequence[type[Event]]) -> Subscription:
    """Subscribe to a topic by all its events: those in the table are booked, the others move no money."""
    return Subscription(
        topic=events[0].TOPIC,
        handles={event: _handle_of(BY_CLASS[event]) for event in events if event in BY_CLASS},
        ignores=frozenset(event.RECORD for event in events if event not in BY_CLASS),
    )


def _handle_of(booked: BookedEvent[Any]) -> Handle:
    excerpt = booked.excerpt
    fast_lane = None if excerpt is None else FastLane(fields=excerpt._fields, take=excerpt.of)
    return Handle(handler=_handler_of(booked), fast_lane=fast_lane)


def _handler_of(booked: BookedEvent[Any]) -> Handler:
    command = answer_events if booked.awaited else book_events
    first_stripe = FIRST_STRIPES[booked.event.TOPIC]

    async def handle(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> list[HandlerResult]:
        items = [
            BookEvent(
                event=delivered.event,
                traceparent=delivered.record.traceparent,
                stripe=first_stripe + delivered.partition % STRIPES,
                funds_may_come=delivered.waited_s < FUNDS_WAIT_S,
            )
            for delivered in deliveries
        ]
        results = list(zip(items, await command(tx, items), strict=True))
        # What was booked before bears the time of then.
        booked = {
            result.transaction_id: item.event.recorded_at
            for item, result in results
            if isinstance(result, PlainBooking) or (isinstance(result, Transaction) and result.create_time == tx.now)
        }
        tx.after_commit.append(partial(ACCEPTED_TO_BOOKED.observe_since, booked.values(), tx.now))
        return [_refused(item, result) if isinstance(result, DomainError) else None for item, result in results]

    handle.__name__ = "on" + re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", booked.transaction_type)
    return handle


def _refused(item: BookEvent, refusal: DomainError) -> HandlerResult:
    if isinstance(refusal, InsufficientFunds) and item.funds_may_come:
        return NotYet(f"funds: {refusal.message}")
    return Impossible(refusal)
