"""The channel's timed work."""

from paykit.process.runtime import Runtime
from services.channel.commands import aftereffects as sequels
from services.channel.commands import disputes as dispute_commands
from services.channel.commands import transactions as commands

RESOLVED_MAX = 500
"""Transactions decided in one transaction."""
SEQUELS_MAX = 200
"""Returns and disputes brought about, and disputes decided, in one transaction."""


async def resolve_open(runtime: Runtime) -> bool:
    """Decide what was answered PENDING, or is to be contradicted, once its time has come."""
    return await runtime.transaction(lambda tx: commands.resolve_open(tx, limit=RESOLVED_MAX)) == RESOLVED_MAX


async def bring_about_sequels(runtime: Runtime) -> bool:
    """Send payouts back and open disputes, once their time has come."""
    return await runtime.transaction(lambda tx: sequels.bring_about(tx, limit=SEQUELS_MAX)) == SEQUELS_MAX


async def decide_disputes(runtime: Runtime) -> bool:
    """Decide disputes that were contested, or not answered in time."""
    return await runtime.transaction(lambda tx: dispute_commands.decide_disputes(tx, limit=SEQUELS_MAX)) == SEQUELS_MAX
