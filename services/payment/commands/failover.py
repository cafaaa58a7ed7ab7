"""Attempts that were not sent, moved from channels that cannot be reached to those that can."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.channels.attempts import AttemptState
from paykit.postgres.database import Tx
from services.payment.domain import routing
from services.payment.domain.routing import PaymentRoute
from services.payment.store import payments as store
from services.payment.store import unsent
from services.payment.store.attempts import ATTEMPTS

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
    """Move what waits for channels that cannot be reached to the first that can be and takes it."""
    others = [route for route in routes if route.name in reachable]
    rows = await unsent.select_unsent(
        tx,
        list(unreached),
        currencies=[",".join(route.currencies) for route in others],
        methods=[",".join(route.methods) for route in others],
        limit=ATTEMPTS_MAX,
    )
    payments = await store.lock_payments(tx, [row["payment_id"] for row in rows])
    attempts = await ATTEMPTS.lock(tx, sorted(row["attempt_id"] for row in rows))
    moves = []
    for attempt in attempts.values():
        payment = payments[attempt.payment_id]
        channel = routing.instead(routes, reachable, payment.currency_code, payment.method)
        # A job may have claimed it before the lock, if its channel came back: then it stays where it went.
        if channel and attempt.state is AttemptState.PENDING and attempt.channel in unreached:
            moves.append(
                Move(attempt_id=attempt.attempt_id, payment_id=payment.payment_id, old=attempt.channel, new=channel)
            )
    await unsent.move_attempts(tx, {move.attempt_id: move.new for move in moves})
    await store.move_payments(tx, {move.payment_id: move.new for move in moves})
    return moves
