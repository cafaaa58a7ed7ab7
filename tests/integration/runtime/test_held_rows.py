"""One row that another transaction holds, and one call that fails, hold up nobody else."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from paykit.base.errors import RowLocked
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.process.runtime import Runtime
from paykit.testing import runtimes
from paykit.work import fold
from paystream.payment.v1 import payment_pb2
from tests import probe

INSERT_OR_BREAK = """
INSERT INTO counter SELECT name, CASE name WHEN 'n100' THEN -1 ELSE 1 END FROM unnest($1::text[]) AS new (name)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    name: str
    value: int


def a_request(name: str, request_id: str | None = None) -> Message:
    return payment_pb2.CreatePaymentRequest(request_id=request_id or str(uuid.uuid4()), merchant_reference=name)


async def call(runtime: Runtime, name: str) -> str:
    return (await runtime.call(probe.COUNT, a_request(name), name)).value


@asynccontextmanager
async def held(runtime: Runtime, *names: str) -> AsyncIterator[None]:
    """Hold the rows of counters, as a transaction does that is not done with them."""
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.fetch("SELECT FROM counter WHERE name = ANY($1::text[]) FOR UPDATE", names)
        locked.set()
        await release.wait()

    holding = asyncio.create_task(runtime.transaction(hold))
    await locked.wait()
    try:
        yield
    finally:
        release.set()
        await holding


COUNTERS: Table[str, Counter] = Table(Counter, "counter", key="name", changing=("value",))


async def count_locked(tx: Tx, names: Sequence[str]) -> Sequence[int | DomainError]:
    """Add one to counters that are there, one after another, under their locks."""
    counters = await COUNTERS.lock(tx, names)

    def add(name: str) -> int:
        return counters.put(Counter(name=name, value=counters[name].value + 1)).value

    results = fold(names, add)
    await tx.save(counters)
    return results


COUNT_LOCKED = replace(probe.COUNT, command=count_locked)


async def test_calls_that_wait_for_a_row_go_on_in_the_order_in_which_they_came_and_the_others_do_not_wait(
    runtime: Runtime,
) -> None:
    runtimes.act_as("alice")
    names = ["hot", *(f"cold{i}" for i in range(10))]
    for name in names:
        await call(runtime, name)

    async def count(name: str, request_id: str | None = None) -> str:
        return (await runtime.call(COUNT_LOCKED, a_request(name, request_id), name)).value

    repeated = str(uuid.uuid4())
    async with held(runtime, "hot"):
        hot = [asyncio.create_task(count("hot", request_id)) for request_id in (None, repeated, None, repeated)]
        assert await asyncio.gather(*map(count, names[1:])) == ["2"] * 10
        # Once it is known what is waited for, what comes later waits behind.
        hot.append(asyncio.create_task(count("hot")))
        assert await asyncio.gather(*map(count, names[1:])) == ["3"] * 10
        assert not any(task.done() for task in hot)
    assert await asyncio.gather(*hot) == ["2", "3", "4", "3", "5"]


async def test_a_held_row_in_a_batch_costs_its_items_alone_and_they_may_be_repeated(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    names = [f"n{at}" for at in range(50)]
    await runtime.call_batch(probe.COUNT, [a_request(name) for name in names], names)
    names.insert(20, "n7")
    requests = [a_request(name) for name in names]
    async with held(runtime, "n7"):
        results = await runtime.call_batch(COUNT_LOCKED, requests, names)
    refused = [at for at, result in enumerate(results) if isinstance(result, RowLocked)]
    assert refused == [7, 20]
    assert {result.value for result in results if not isinstance(result, Exception)} == {"2"}
    again = await runtime.call_batch(COUNT_LOCKED, requests, names)
    values = [None if isinstance(result, Exception) else result.value for result in again]
    assert values == ["3" if at == 20 else "2" for at in range(51)]


async def test_calls_that_name_no_held_row_cost_the_others_a_few_transactions(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    await call(runtime, "hot")
    groups: list[int] = []

    async def count(tx: Tx, names: Sequence[str]) -> Sequence[int | DomainError]:
        groups.append(len(names))
        return await probe.COUNT.command(tx, names)

    counting = replace(probe.COUNT, command=count)
    async with held(runtime, "hot"):
        hot = asyncio.create_task(runtime.call(counting, a_request("hot"), "hot"))
        replies = await asyncio.gather(*(runtime.call(counting, a_request(f"n{i}"), f"n{i}") for i in range(255)))
        assert [reply.value for reply in replies] == ["1"] * 255
        assert not hot.done()
    assert (await hot).value == "2"
    # The hot call alone, again as one of two halves eight times at most, and its last try; and groups of the others.
    assert len(groups) <= 1 + 2 * 8 + 1 + 3


async def test_one_call_that_breaks_a_constraint_costs_a_few_transactions_and_not_one_for_each(
    runtime: Runtime,
) -> None:
    runtimes.act_as("alice")
    groups: list[int] = []

    async def insert(tx: Tx, names: Sequence[str]) -> Sequence[int | DomainError]:
        groups.append(len(names))
        await tx.run(INSERT_OR_BREAK, names)
        return [1] * len(names)

    inserting = replace(probe.COUNT, command=insert)
    results = await asyncio.gather(
        *(runtime.call(inserting, a_request(f"n{i}"), f"n{i}") for i in range(256)), return_exceptions=True
    )
    assert [at for at, result in enumerate(results) if isinstance(result, Exception)] == [100]
    assert type(results[100]).__name__ == "CheckViolationError"
    assert len(groups) <= 2 + 2 * 8 + 2
