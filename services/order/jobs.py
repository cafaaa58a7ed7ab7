"""Timed work on orders."""

from paykit.process.runtime import Runtime
from services.order import commands

EXPIRED_AT_ONCE_MAX = 500
"""Orders that one transaction ends."""


async def expire_orders(runtime: Runtime) -> bool:
    """End open orders whose time is over; True when there may be more."""
    ended = await runtime.transaction(lambda tx: commands.expire_orders(tx, limit=EXPIRED_AT_ONCE_MAX))
    return ended == EXPIRED_AT_ONCE_MAX
