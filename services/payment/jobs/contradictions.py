"""Payments' contradictions: those that wait for people are told, and what came late is given back again and again."""

from paykit.contradictions import open_contradictions
from paykit.process.runtime import Runtime
from services.payment import commands, store
from services.payment.jobs.attempts import wake_submission


async def report(runtime: Runtime) -> bool:
    """Set the metrics and write one line if anything waits. Says that there is no more."""
    await open_contradictions.report(runtime, store.contradictions)
    return False


async def retry_refunds(runtime: Runtime) -> bool:
    """Give back what came late and is due; True when there may be more."""
    made = sum(await runtime.isolated("retry_late_refunds", commands.late_capture.retry_due_refunds))
    if made:
        wake_submission(runtime)
    return made >= commands.late_capture.RETRIES_MAX
