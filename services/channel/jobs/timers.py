"""The channel's timed work on its own books."""

from functools import partial

from paykit.process.runtime import Runtime
from services.channel import commands

RESOLVED_MAX = 500
"""Transactions decided in one transaction."""
AFTEREFFECTS_MAX = 200
"""Returns and disputes brought about, and disputes decided, in one transaction."""


async def resolve_open(runtime: Runtime) -> bool:
    """Decide what was answered PENDING, or is to be contradicted, once its time has come."""
    resolve = partial(commands.resolve_open, limit=RESOLVED_MAX)
    return sum(await runtime.isolated("resolve_open", resolve)) >= RESOLVED_MAX


async def bring_about_aftereffects(runtime: Runtime) -> bool:
    """Send payouts back and open disputes, once their time has come."""
    bring_about = partial(commands.bring_about, limit=AFTEREFFECTS_MAX)
    return sum(await runtime.isolated("bring_about_aftereffects", bring_about)) >= AFTEREFFECTS_MAX


async def decide_disputes(runtime: Runtime) -> bool:
    """Decide disputes that were contested, or not answered in time."""
    decide = partial(commands.decide_disputes, limit=AFTEREFFECTS_MAX)
    return sum(await runtime.isolated("decide_disputes", decide)) >= AFTEREFFECTS_MAX


async def close_statements(runtime: Runtime) -> bool:
    """Close what can be closed; there is never more."""
    await runtime.transaction(commands.close_statements)
    return False
