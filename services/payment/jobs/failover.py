"""What was not sent, moved to other channels while its own cannot be reached."""

from collections.abc import Collection, Sequence

import structlog
from prometheus_client import Counter

from paykit.process.runtime import Runtime
from services.payment import commands
from services.payment.domain.routing import PaymentRoute

MOVED = Counter(
    "paystream_payment_attempts_moved", "Attempts moved to another channel before they were sent", ["old", "new"]
)

_log = structlog.get_logger()


async def move_unsent(
    runtime: Runtime, routes: Sequence[PaymentRoute], unreached: Sequence[str], *, reachable: Collection[str]
) -> int:
    """Move what waits for channels that cannot be reached; the number of attempts that found another channel."""
    if not reachable:
        return 0
    moves = await runtime.transaction(
        lambda tx: commands.failover.move_unsent(tx, routes, unreached, reachable=reachable)
    )
    for move in moves:
        MOVED.labels(move.old, move.new).inc()
    if moves:
        _log.warning("attempts_moved", attempts=len(moves), unreached=list(unreached), reachable=list(reachable))
    return len(moves)
