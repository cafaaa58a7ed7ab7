"""How long the simulated acquirer takes to answer."""

import asyncio
import time
from collections.abc import Iterable

from paykit.process.runtime import Runtime
from services.channel import store
from services.channel.domain.behaviour import Behaviours

LATENCY_CACHE_S = 1.0
"""For how long a latency is remembered after it was read."""


class Latency:
    """Waits as long as the behaviours say, remembering them for a moment."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._behaviours = Behaviours({})
        self._stale_at = 0.0

    async def pass_by(self, merchant_ids: Iterable[str]) -> None:
        """Wait for the slowest of these merchants."""
        if time.monotonic() >= self._stale_at:
            self._behaviours = await self._runtime.read(store.all_behaviours)
            self._stale_at = time.monotonic() + LATENCY_CACHE_S
        latencies_ms = [self._behaviours.of(merchant_id).latency_ms for merchant_id in set(merchant_ids)]
        if any(latencies_ms):
            await asyncio.sleep(max(latencies_ms) / 1_000)

    def forget(self) -> None:
        """Read the behaviours anew."""
        self._stale_at = 0.0
