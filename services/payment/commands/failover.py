"""Attempts that were not sent, moved from channels that cannot be reached to those that can."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.channels.attempts import AttemptState
from paykit.postgres.database import Tx
from services.payment import domain, store
from services.payment.domain.routing import PaymentRoute

ATTEMPTS_MAX = 500
"""Attempts moved in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An attempt, moved with its payment to another channel."""

    attempt_id: str
    payment_id: str
    old: str
    new: str


async def move_unsent(
    tx: Tx, routes: Sequence[PaymentRoute], unreached: Collection[str], *, reachable: Collection[str]
) -> list[Move]:
    """Move what waits for channels that cannot be reached to the first that can be and takes it.

    Emits PaymentRerouted.
    """
    others = [route for route in routes if route.name in reachable]
    unsent = await store.attempts.unsent(tx, unreached, others=others, limit=ATTEMPTS_MAX)
    payments = await store.payments.lock(tx, [payment_id for _, payment_id in unsent])
    attempts = await store.attempts.lock(tx, [attempt_id for attempt_id, _ in unsent])
    moves, rerouted = [], []
    for attempt in attempts.values():
        payment = payments[attempt.payment_id]
        channel = domain.routing.instead(routes, reachable, payment.currency_code, payment.method)
        # A job may have claimed it before the lock, if its channel came back: then it stays where it went.
        if channel and attempt.state is AttemptState.PENDING and attempt.channel in unreached:
            moves.append(
                Move(attempt_id=attempt.attempt_id, payment_id=payment.payment_id, old=attempt.channel, new=channel)
            )
            payment, event = domain.routing.reroute(payment, attempt_id=attempt.attempt_id, channel=channel, now=tx.now)
            rerouted.append(payment)
            cause = Cause(payment.correlation_id, attempt.attempt_id, None, attempt.traceparent)
            tx.emit(event, cause=cause)
    await store.attempts.move(tx, {move.attempt_id: move.new for move in moves})
    await store.payments.move(tx, rerouted)
    return moves
