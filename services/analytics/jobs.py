"""Timed work of analytics."""

from paykit.process.runtime import Runtime
from services.analytics import store


async def forget_changes(runtime: Runtime) -> bool:
    """Forget which figures changed once nobody can ask for it any more; True if there may be more."""
    return await runtime.transaction(store.forget_changes)
