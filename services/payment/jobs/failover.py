"""Attempts that were not sent, moved from channels that cannot be reached to those that can."""

from collections.abc import Collection, Sequence

import structlog
from prometheus_client import Counter

from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from paykit.process.runtime import Runtime
from services.payment.domain import routing
from services.payment.domain.routing import Route
from services.payment.store import payments as store
from services.payment.store.attempts import ATTEMPTS

ATTEMPTS_MAX = 500
"""Attempts moved in one transaction."""

MOVED = Counter(
    "paystream_payment_attempts_moved", "Attempts moved to another channel before they were sent", ["old", "new"]
)

# What a payment begins with; what follows it stays with its channel. What nobody else takes is left out here, or it
# would stand before all that can be moved.
_SELECT_UNSENT = """
SELECT attempt_id, payment_id FROM attempt JOIN payment USING (payment_id)
WHERE attempt.state = 'PENDING' AND attempt.channel = ANY($1::text[]) AND action IN ('CHARGE', 'AUTHORIZE')
    AND EXISTS (
        SELECT FROM unnest($2::text[], $3::text[]) AS reachable (currencies, methods)
        WHERE (currencies = '' OR payment.currency_code = ANY(string_to_array(currencies, ',')))
            AND (methods = '' OR payment.method = ANY(string_to_array(methods, ','))))
LIMIT $4
"""

_MOVE_ATTEMPTS = """
UPDATE attempt SET channel = new.channel FROM unnest($1::text[], $2::text[]) AS new (attempt_id, channel)
WHERE attempt.attempt_id = new.attempt_id
"""

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
    """Move attempts with their payments; give their old and new channels."""
    others = [route for route in routes if route.name in reachable]
    currencies, methods = [",".join(r.currencies) for r in others], [",".join(r.methods) for r in others]
    rows = await tx.fetch(_SELECT_UNSENT, unreached, currencies, methods, ATTEMPTS_MAX)
    payments = await store.lock_payments(tx, [row["payment_id"] for row in rows])
    attempts = await ATTEMPTS.lock(tx, sorted(row["attempt_id"] for row in rows))
    moves = []
    for each in attempts.values():
        payment = payments[each.payment_id]
        channel = routing.instead(routes, reachable, payment.currency_code, payment.method)
        # A job may have claimed it before the lock, if its channel came back: then it stays where it went.
        if channel and each.state == "PENDING" and each.channel in unreached:
            moves.append((each, channel))
    changed = await tx.run(_MOVE_ATTEMPTS, [each.attempt_id for each, _ in moves], [new for _, new in moves])
    require_all_changed("attempt", changed, len(moves))
    await store.move_payments(tx, {each.payment_id: channel for each, channel in moves})
    return [(each.channel, channel) for each, channel in moves]
