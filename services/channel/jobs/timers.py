"""The channel's timed work on its own books."""

from paykit.process.runtime import Runtime
from services.channel import commands

RESOLVED_MAX = 500
"""Transactions decided in one transaction."""
AFTEREFFECTS_MAX = 200
"""Returns and disputes brought about, and disputes decided, in one transaction."""


async def resolve_open(runtime: Runtime) -> bool:
    """Decide what was answered PENDING, or is to be contradicted, once its time has come."""
    return await runtime.transaction(lambda tx: commands.resolve_open(tx, limit=RESOLVED_MAX)) == RESOLVED_MAX


async def bring_about_aftereffects(runtime: Runtime) -> bool:
    """Send payouts back and open disputes, once their time has come."""
    return await runtime.transaction(lambda tx: commands.bring_about(tx, limit=AFTEREFFECTS_MAX)) == AFTEREFFECTS_MAX


async def decide_disputes(runtime: Runtime) -> bool:
    """Decide disputes that were contested, or not answered in time."""
    decided = await runtime.transaction(lambda tx: commands.decide_disputes(tx, limit=AFTEREFFECTS_MAX))
    return decided == AFTEREFFECTS_MAX


async def close_statements(runtime: Runtime) -> bool:
    """Close what can be closed; there is never more."""
    await runtime.transaction(commands.close_statements)
    return False
