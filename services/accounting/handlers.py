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
    Handle,
    Handler,
    HandlerResult,
    Impossible,
    NotYet,
    ShapeLane,
    Subscription,
)
from paykit.consume.observing import observe_ages
from paykit.errors import DomainError
from paykit.events import codec
from paykit.events.event import Event
from paykit.postgres.database import Tx
from services.accounting.commands.events import (
    BOOKED_PLAINLY,
    Booked,
    BookEvent,
    BookEvents,
    answer_events,
    book_events,
)
from services.accounting.domain.booked_event import BY_CLASS, BookedEvent
from services.accounting.domain.plain.columns import FORMS, ShapedEvent, specialize
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
    fast_lane = ShapeLane(specialize=specialize) if booked.event in FORMS else None
    return Handle(handler=_handler_of(booked), fast_lane=fast_lane)


def _handler_of(booked: BookedEvent[Any]) -> Handler:
    command = answer_events if booked.awaited else book_events
    first_stripe = FIRST_STRIPES[booked.event.TOPIC]
    decode = partial(codec.decode_own, booked.event)

    async def handle(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> list[HandlerResult]:
        def item(at: int) -> BookEvent:
            delivered = deliveries[at]
            event = delivered.event
            return BookEvent(
                event=decode(event.data) if type(event) is ShapedEvent else event,
                traceparent=delivered.record.traceparent,
                stripe=events.stripes[at],
                funds_may_come=delivered.waited_s < FUNDS_WAIT_S,
            )

        events = BookEvents(
            [delivered.event for delivered in deliveries],
            [first_stripe + delivered.record.partition % STRIPES for delivered in deliveries],
            item,
            lambda at: deliveries[at].record.traceparent,
        )
        results = await command(tx, booked, events)
        tx.after_commit.append(partial(observe_ages, ACCEPTED_TO_BOOKED, _booked_now(tx, events, results), tx.now))
        refused = [(at, result) for at, result in enumerate(results) if isinstance(result, DomainError)]
        answers: list[HandlerResult] = [None] * len(results)
        for at, refusal in refused:
            answers[at] = _refused(deliveries[at], refusal)
        return answers

    handle.__name__ = "on" + re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", booked.transaction_type)
    return handle


def _booked_now(tx: Tx, events: BookEvents, results: Sequence[Booked | DomainError | None]) -> Sequence[Any]:
    """Return the events that are booked now, each transaction once; others bear the time of then."""
    if results.count(BOOKED_PLAINLY) == len(results):
        return events.events
    plain = [event for event, result in zip(events.events, results, strict=True) if result is BOOKED_PLAINLY]
    others = {
        result.transaction_id: event
        for event, result in zip(events.events, results, strict=True)
        if isinstance(result, Transaction) and result.create_time == tx.now
    }
    return [*plain, *others.values()]


def _refused(delivered: Delivered[Any], refusal: DomainError) -> HandlerResult:
    if isinstance(refusal, InsufficientFunds) and delivered.waited_s < FUNDS_WAIT_S:
        return NotYet(f"funds: {refusal.message}")
    return Impossible(refusal)
