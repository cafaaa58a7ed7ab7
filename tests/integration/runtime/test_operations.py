"""Calls become committed results: once per request id, in groups, one outcome each."""

import asyncio
import uuid

import pytest
from google.protobuf.message import Message

from paykit.errors import ItemFailed, RequestIdReused
from paykit.runtime.runtime import REPLAYED_TRAILER, Runtime
from paykit.testing import runtimes
from paystream.payment.v1 import payment_pb2
from tests import probe


def a_request(name: str, request_id: str | None = None) -> Message:
    """Any message with a request_id will do: the runtime digests the rest."""
    return payment_pb2.CreatePaymentRequest(request_id=request_id or str(uuid.uuid4()), merchant_reference=name)


async def call(runtime: Runtime, name: str, request_id: str | None = None) -> str:
    return (await runtime.call(probe.COUNT, a_request(name, request_id), name)).value


async def value_of(runtime: Runtime, name: str) -> int:
    rows = await runtime.read(lambda tx: tx.fetch("SELECT value FROM counter WHERE name = $1", name))
    return rows[0]["value"] if rows else 0


async def test_a_repeated_call_gets_the_first_reply_and_changes_nothing(runtime: Runtime) -> None:
    context = runtimes.act_as("alice")
    request_id = str(uuid.uuid4())
    assert await call(runtime, "a", request_id) == "1"
    assert context.trailers == []
    assert await call(runtime, "a", request_id) == "1"
    assert context.trailers == [REPLAYED_TRAILER]
    assert await value_of(runtime, "a") == 1


async def test_a_request_id_with_another_body_is_refused(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    request_id = str(uuid.uuid4())
    await call(runtime, "a", request_id)
    with pytest.raises(RequestIdReused):
        await call(runtime, "b", request_id)


async def test_request_ids_of_two_callers_are_apart(runtime: Runtime) -> None:
    request_id = str(uuid.uuid4())
    runtimes.act_as("alice")
    assert await call(runtime, "a", request_id) == "1"
    runtimes.act_as("bob")
    assert await call(runtime, "a", request_id) == "2"


async def test_a_refused_call_may_be_repeated_and_is_decided_anew(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    request_id = str(uuid.uuid4())
    for _ in range(2):
        with pytest.raises(probe.NameTooLong):
            await call(runtime, "much too long", request_id)
    claims = await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_key"))
    assert claims == []


async def test_concurrent_calls_share_transactions(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call(runtime, f"n{i}")) for i in range(64)]
    assert {task.result() for task in calls} == {"1"}
    rows = await runtime.read(lambda tx: tx.fetch("SELECT DISTINCT xmin::text FROM counter"))
    assert len(rows) < 32


async def test_concurrent_repetitions_are_carried_out_once(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    request_id = str(uuid.uuid4())
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call(runtime, "a", request_id)) for _ in range(20)]
    assert {task.result() for task in calls} == {"1"}
    assert await value_of(runtime, "a") == 1


async def test_a_call_that_crashes_fails_alone(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    names = ["a", "crash", "b", "c"]
    results = await asyncio.gather(*(call(runtime, name) for name in names), return_exceptions=True)
    assert [r if isinstance(r, str) else type(r) for r in results] == ["1", RuntimeError, "1", "1"]


async def test_a_batch_gives_one_result_per_item_in_order(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    same = str(uuid.uuid4())
    names = ["a", "much too long", "b", "a", "crash", "a"]
    ids = [str(uuid.uuid4()), None, None, same, None, same]
    requests = [a_request(name, request_id) for name, request_id in zip(names, ids, strict=True)]
    results = await runtime.call_batch(probe.COUNT, requests, names)
    seen = [type(r) if isinstance(r, Exception) else r.value for r in results]
    # The crash splits the batch in halves: the repetition of `same` meets a stored reply instead of one in memory.
    assert seen == ["1", probe.NameTooLong, "1", "2", ItemFailed, "2"]
    assert await value_of(runtime, "a") == 2


async def test_a_locked_row_holds_up_its_own_call_only(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    await call(runtime, "hot")
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: object) -> None:
        await tx.fetch("SELECT FROM counter WHERE name = 'hot' FOR UPDATE")  # type: ignore[attr-defined]
        locked.set()
        await release.wait()

    holder = asyncio.create_task(runtime.transaction(hold))
    await locked.wait()
    hot = asyncio.create_task(call(runtime, "hot"))
    assert await asyncio.gather(*(call(runtime, f"cold{i}") for i in range(10))) == ["1"] * 10
    assert not hot.done()
    release.set()
    await holder
    assert await hot == "2"
