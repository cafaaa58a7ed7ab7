"""A batch equals its items one at a time: what every command and every handler is held to.

A test names the step, draws items (by Hypothesis, best with few values, so that repetitions and refusals are common),
and says what to look at::

    await batches.assert_batch_equals_singles(runtime, commands.create_payments, items, look=everything)
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime

T = TypeVar("T")

Step = Callable[[Tx, Sequence[Any]], Awaitable[Sequence[Any]]]
"""A command, or what hands events to a handler: one result per item, in order."""
Look = Callable[[Tx, Sequence[Any]], Awaitable[Any]]
"""Gives what is compared, of the transaction and the results: everything but what chance decided, as new ids."""


async def nothing(_tx: Tx) -> None:
    """Prepare nothing."""


async def assert_batch_equals_singles(
    runtime: Runtime,
    step: Step,
    items: Sequence[Any],
    *,
    look: Look,
    prepare: Callable[[Tx], Awaitable[None]] = nothing,
) -> None:
    """Take a step once with all items and once with each alone, and hold what is then to be seen against each other.

    Each way has a transaction that is undone, so one database serves any number of examples.

    Args:
        runtime: Of the service whose step it is.
        step: What is held to the property.
        items: In the order in which they would come alone.
        look: Reads what is compared.
        prepare: Writes what the items are about.

    Raises:
        AssertionError: The two differ, or a step did not give one result per item.
    """

    async def take(tx: Tx, groups: Sequence[Sequence[Any]]) -> Any:
        await prepare(tx)
        results: list[Any] = []
        for group in groups:
            tx.restart_lock_order()  # As if each group had a transaction of its own.
            results += await step(tx, group)
        if len(results) != len(items):
            raise AssertionError(f"{len(results)} results for {len(items)} items")
        return await look(tx, results)

    together = await undone(runtime, lambda tx: take(tx, [items]))
    singly = await undone(runtime, lambda tx: take(tx, [[item] for item in items]))
    if together != singly:
        raise AssertionError(f"in one batch: {together}\none at a time: {singly}")


async def undone(runtime: Runtime, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Return what work returns, in a transaction that leaves no trace."""
    kept: list[T] = []

    async def run(tx: Tx) -> None:
        kept.append(await work(tx))
        raise _UndoError

    try:
        await runtime.transaction(run)
    except _UndoError:
        return kept[-1]
    raise AssertionError("the transaction was not taken back")


class _UndoError(Exception):
    """Ends a transaction whose effects are not wanted."""
