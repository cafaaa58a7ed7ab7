"""Payments' contradictions that wait for people; see `paykit.contradictions.open_contradictions`."""

from paykit.contradictions import open_contradictions
from paykit.process.runtime import Runtime
from services.payment import store


async def report(runtime: Runtime) -> bool:
    """Set the metrics and write one line if anything waits. Says that there is no more."""
    await open_contradictions.report(runtime, store.contradictions)
    return False
