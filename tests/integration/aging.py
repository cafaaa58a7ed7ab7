"""Real time, which tests let pass for what waits by it."""

from paykit.process.runtime import Runtime


async def age_attempts(runtime: Runtime, *, by_s: float) -> None:
    """Let real time pass for every attempt under way of a service that calls channels."""
    shift = (
        "UPDATE attempt SET due_time = due_time - $1::float8 * interval '1 s',"
        " start_time = start_time - $1::float8 * interval '1 s' WHERE start_time IS NOT NULL"
    )
    await runtime.transaction(lambda tx: tx.run(shift, by_s))
