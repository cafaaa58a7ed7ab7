"""Calls become committed results: once per request id, in groups, one outcome each."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from paykit.base.errors import CallsExhausted, CommitUnknownError, UnavailableError
from paykit.errors import DomainError, ItemFailed, RequestIdReused
from paykit.postgres.database import Tx
from paykit.process.runtime import REPLAYED_TRAILER, Runtime
from paykit.serve.groups import committer, gathering
from paykit.serve.idempotency import Claim
from paykit.serve.operations import Call, apply
from paykit.serve.reply_sizes import ITEM_FRAME_BYTES_MAX, REST_BYTES_MAX, BatchReplyTooLarge
from paykit.testing import runtimes
from paystream.payment.v1 import payment_pb2
from tests import probe
from tests.integration.runtime.sessions import end_connections
from tests.integration.runtime.wire import Loss, runtime_over_wire

WAIT_S = 30.0


def a_request(name: str, request_id: str | None = None) -> Message:
    """Any message with a request_id will do: the runtime digests the rest."""
    return payment_pb2.CreatePaymentRequest(request_id=request_id or str(uuid.uuid4()), merchant_reference=name)


async def call(runtime: Runtime, name: str, request_id: str | None = None) -> str:
    return (await runtime.call(probe.COUNT, a_request(name, request_id), name)).value


def call_of(name: str) -> Call[Any]:
    request = payment_pb2.CreatePaymentRequest(request_id=str(uuid.uuid4()), merchant_reference=name)
    return Call(name, Claim.of(("alice", "Count", request.request_id), request))


def when_free(began: asyncio.Event, free: asyncio.Event) -> Callable[..., Awaitable[Sequence[int | DomainError]]]:
    """Make a command that says when it begins, and goes on when it may."""

    async def count_when_free(tx: Tx, names: Sequence[str]) -> Sequence[int | DomainError]:
        began.set()
        await free.wait()
        return await probe.COUNT.command(tx, names)

    return count_when_free


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
    claims = await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_claim"))
    assert claims == []


CLAIMS_KEPT = 500
CLAIM_ROWS_READ_MAX = 20

# By whatever way of reading a table or an index, in the session since it last told of it, which may be some time ago.
_ROWS_READ = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint AS rows_read
FROM pg_stat_xact_user_tables WHERE relname LIKE 'idempotency%'
"""


async def test_a_call_reads_its_own_claims_and_none_of_the_others_of_its_day(runtime: Runtime) -> None:
    """Also by plans that were made when the day had no claims yet: these are kept by connections."""
    kept = [call_of(f"k{i}") for i in range(CLAIMS_KEPT)]
    refused, known = call_of("much too long"), kept[7]

    async def rows_read(calls: Sequence[Call[Any]], tx: Tx) -> int:
        before = (await tx.fetch(_ROWS_READ))[0]["rows_read"]
        await apply(tx, probe.COUNT, calls)
        return int((await tx.fetch(_ROWS_READ))[0]["rows_read"] - before)

    for at in range(0, CLAIMS_KEPT, 100):
        await runtime.transaction(partial(apply, operation=probe.COUNT, calls=kept[at : at + 100]))
    for calls in ([call_of("new")], [refused], [known], [call_of("newer"), refused, known]):
        assert 0 < await runtime.transaction(partial(rows_read, calls)) <= CLAIM_ROWS_READ_MAX


async def test_concurrent_calls_share_transactions(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call(runtime, f"n{i}")) for i in range(64)]
    assert {task.result() for task in calls} == {"1"}
    rows = await runtime.read(lambda tx: tx.fetch("SELECT DISTINCT xmin::text FROM counter"))
    assert len(rows) < 32


async def test_callers_that_call_again_together_share_transactions_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is slower to call again than the one before, as callers on a network are."""
    for bound in ("GATHER_S", "GATHER_S_MAX"):
        monkeypatch.setattr(gathering, bound, 1.0)  # Long enough for a machine that is slow.
    runtimes.act_as("alice")
    callers, rounds = 16, 10

    async def keep_calling(caller: int) -> None:
        for number in range(rounds):
            await asyncio.sleep(caller * 0.000_1)
            await call(runtime, f"n{caller}-{number}")

    async with asyncio.TaskGroup() as group:
        for caller in range(callers):
            group.create_task(keep_calling(caller))
    rows = await runtime.read(lambda tx: tx.fetch("SELECT DISTINCT xmin::text FROM counter"))
    # Each round is one group, but for the first, whose calls nobody could expect; else it would be two.
    assert len(rows) < 1.5 * rounds


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


async def test_one_crash_among_many_calls_costs_a_few_transactions_and_not_one_for_each(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    groups: list[int] = []

    async def count(tx: Tx, names: Sequence[str]) -> Sequence[int | DomainError]:
        groups.append(len(names))
        return await probe.COUNT.command(tx, names)

    counting = replace(probe.COUNT, command=count)
    names = [*(f"n{i}" for i in range(100)), "crash", *(f"m{i}" for i in range(155))]
    results = await asyncio.gather(
        *(runtime.call(counting, a_request(name), name) for name in names), return_exceptions=True
    )
    assert [type(result) for result in results].count(RuntimeError) == 1
    assert sum(isinstance(result, StringValue) for result in results) == 255
    # Groups of 1, and of up to 255; two halves for each of the eight times that the crash is divided from the rest.
    assert len(groups) <= 2 + 2 * 8 + 2


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


@pytest.mark.parametrize("loss", ["request", "answer"])
async def test_calls_whose_commit_was_lost_are_looked_up_and_carried_out_once(
    probe_url: str, tmp_path: Path, loss: Loss
) -> None:
    async with runtime_over_wire(probe.SERVICE, probe_url, cache_dir=tmp_path) as (runtime, wire):
        runtimes.act_as("alice")
        wire.lose_next(loss)
        async with asyncio.timeout(WAIT_S):
            assert await asyncio.gather(*(call(runtime, f"n{i}") for i in range(10))) == ["1"] * 10
        assert wire.lost == 1
        assert [await value_of(runtime, f"n{i}") for i in range(10)] == [1] * 10


async def test_a_change_without_a_request_id_whose_commit_was_lost_is_never_run_again(
    probe_url: str, tmp_path: Path
) -> None:
    async with runtime_over_wire(probe.SERVICE, probe_url, cache_dir=tmp_path) as (runtime, wire):
        runtimes.act_as("alice")
        wire.lose_next("answer")
        with pytest.raises(CommitUnknownError):
            await runtime.change(probe.COUNT, "a")
        assert await value_of(runtime, "a") == 1


async def test_a_caller_that_went_away_leaves_its_neighbours_their_answers(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    calls = [asyncio.create_task(call(runtime, f"n{i}")) for i in range(20)]
    await asyncio.sleep(0)
    calls[3].cancel()
    async with asyncio.timeout(WAIT_S):
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[:3] + results[4:] == ["1"] * 19
    assert isinstance(results[3], asyncio.CancelledError)


async def test_calls_whose_callers_went_away_while_they_waited_are_not_carried_out(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    began, free = asyncio.Event(), asyncio.Event()
    slow = replace(probe.COUNT, command=when_free(began, free))
    first = asyncio.create_task(runtime.call(slow, a_request("first"), "first"))
    await began.wait()
    gone = [asyncio.create_task(runtime.call(slow, a_request(f"n{i}"), f"n{i}")) for i in range(40)]
    last = asyncio.create_task(runtime.call(slow, a_request("last"), "last"))
    await asyncio.sleep(0)
    for waiting in gone:
        waiting.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    free.set()
    assert [(await first).value, (await last).value] == ["1", "1"]
    rows = await runtime.read(lambda tx: tx.fetch("SELECT name FROM counter ORDER BY name"))
    assert [row["name"] for row in rows] == ["first", "last"]


async def test_a_call_behind_one_that_has_waited_for_too_long_is_refused_at_once(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtimes.act_as("alice")
    began, free = asyncio.Event(), asyncio.Event()
    slow = replace(probe.COUNT, command=when_free(began, free))
    first = asyncio.create_task(runtime.call(slow, a_request("first"), "first"))
    await began.wait()
    second = asyncio.create_task(runtime.call(slow, a_request("second"), "second"))
    await asyncio.sleep(0)
    monkeypatch.setattr(committer, "QUEUE_AGE_S_MAX", 0.0)
    with pytest.raises(CallsExhausted):
        await runtime.call(slow, a_request("third"), "third")
    free.set()
    assert [(await first).value, (await second).value] == ["1", "1"]
    assert (await runtime.call(slow, a_request("third"), "third")).value == "1"


async def test_calls_go_on_after_postgresql_dropped_every_connection(runtime: Runtime, probe_template: str) -> None:
    runtimes.act_as("alice")
    request_ids = [str(uuid.uuid4()) for _ in range(40)]

    async def call_until_answered(number: int) -> str:
        while True:
            try:
                return await call(runtime, f"n{number}", request_ids[number])
            except UnavailableError:
                await asyncio.sleep(0.05)

    calls = [asyncio.create_task(call_until_answered(number)) for number in range(20)]
    await asyncio.sleep(0.005)
    await end_connections(probe_template, runtime)
    calls += [asyncio.create_task(call_until_answered(number)) for number in range(20, 40)]
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.gather(*calls) == ["1"] * 40
    assert [await value_of(runtime, f"n{number}") for number in range(40)] == [1] * 40


async def test_a_repetition_in_a_batch_of_one_that_was_refused_is_decided_anew(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    same = str(uuid.uuid4())
    requests = [a_request("much too long", same), a_request("a", same), a_request("b", same)]
    results = await runtime.call_batch(probe.COUNT, requests, ["much too long", "a", "b"])
    assert [type(result) for result in results] == [probe.NameTooLong, StringValue, RequestIdReused]
    assert (await value_of(runtime, "a"), await value_of(runtime, "b")) == (1, 0)


def reply_at_most(runtime: Runtime, items: int) -> None:
    """Let a reply hold so many results of COUNT, each of 3 bytes and a frame."""
    bytes_max = REST_BYTES_MAX + items * (3 + ITEM_FRAME_BYTES_MAX)
    runtime.settings = runtime.settings.model_copy(update={"grpc_reply_bytes_max": bytes_max})


async def count_batch(runtime: Runtime, names: list[str], **how: bool) -> list[Any]:
    results = await runtime.call_batch(probe.COUNT, [a_request(name) for name in names], names, **how)
    return [type(r) if isinstance(r, Exception) else r.value for r in results]


async def test_a_batch_that_could_not_be_answered_in_one_reply_is_refused_before_it_commits(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    reply_at_most(runtime, 3)
    with pytest.raises(BatchReplyTooLarge) as refused:
        await count_batch(runtime, ["a", "b", "c", "d"])
    assert refused.value.metadata == {"reply_bytes": "4140", "reply_bytes_max": "4129"}
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM counter")) == []
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_claim")) == []
    assert await count_batch(runtime, ["a", "b", "c"]) == ["1", "1", "1"]


async def test_refusals_count_in_the_reply_to_a_batch(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    reply_at_most(runtime, 3)
    with pytest.raises(BatchReplyTooLarge):
        await count_batch(runtime, ["a", "much too long"])


async def test_a_batch_whose_results_have_replies_of_their_own_may_be_as_large_as_it_is(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    reply_at_most(runtime, 3)
    assert await count_batch(runtime, ["a", "b", "c", "d"], one_reply=False) == ["1"] * 4


async def test_where_a_batch_fell_apart_only_what_is_left_out_is_refused(runtime: Runtime) -> None:
    runtimes.act_as("alice")
    reply_at_most(runtime, 2)
    # The crash has both halves carried out apart: after the first there is no room for more.
    assert await count_batch(runtime, ["a", "b", "c", "crash"]) == ["1", "1", BatchReplyTooLarge, ItemFailed]
    assert await value_of(runtime, "c") == 0
