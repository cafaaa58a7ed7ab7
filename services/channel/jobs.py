"""The channel's timed work."""

from paykit.runtime.runtime import Runtime
from services.channel import commands

RESOLVED_MAX = 500
"""Transactions decided in one transaction."""


async def resolve_open(runtime: Runtime) -> bool:
    """Decide what was answered PENDING, or is to be contradicted, once its time has come."""
    return await runtime.transaction(lambda tx: commands.resolve_open(tx, limit=RESOLVED_MAX)) == RESOLVED_MAX
