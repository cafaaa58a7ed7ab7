"""Attempts that were not sent, moved from channels that cannot be reached to those that can."""

from collections.abc import Collection, Sequence

import structlog
from prometheus_client import Counter

from paykit.channels.attempts import AttemptState
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.payment import store
from services.payment.domain import routing
from services.payment.domain.routing import Route

ATTEMPTS_MAX = 500
"""Attempts moved in one transaction."""

MOVED = Counter(
    "paystream_payment_attempts_moved", "Attempts moved to another channel before they were sent", ["old", "new"]
)

_log = structlog.get_logger()


async def move_unsent(
    runtime: Runtime, routes: Sequence[Route], unreached: Sequence[str], *, reachable: Collection[str]
) -> int:
    """Move what waits for channels that cannot be reached; give how many attempts found another channel."""
    if not reachable:
        return 0
    moved = await runtime.transaction(lambda tx: _move(tx, routes, unreached, reachable))
    for old, new in moved:
        MOVED.labels(old, new).inc()
    if moved:
        _log.warning("attempts_moved", attempts=len(moved), unreached=list(unreached), reachable=list(reachable))
    return len(moved)


async def _move(
    tx: Tx, routes: Sequence[Route], unreached: Sequence[str], reachable: Collection[str]
) -> list[tuple[str, str]]:
    """Move attempts with their payments, and return their old and new channels."""
    others = [route for route in routes if route.name in reachable]
    unsent = await store.attempts.unsent(tx, unreached, others=others, limit=ATTEMPTS_MAX)
    payments = await store.payments.lock(tx, [payment_id for _, payment_id in unsent])
    attempts = await store.attempts.lock(tx, [attempt_id for attempt_id, _ in unsent])
    moves = []
    for attempt in attempts.values():
        payment = payments[attempt.payment_id]
        channel = routing.instead(routes, reachable, payment.currency_code, payment.method)
        # A job may have claimed it before the lock, if its channel came back: then it stays where it went.
        if channel and attempt.state is AttemptState.PENDING and attempt.channel in unreached:
            moves.append((attempt, channel))
    await store.attempts.move(tx, {attempt.attempt_id: channel for attempt, channel in moves})
    await store.payments.move(tx, {attempt.payment_id: channel for attempt, channel in moves})
    return [(attempt.channel, channel) for attempt, channel in moves]
