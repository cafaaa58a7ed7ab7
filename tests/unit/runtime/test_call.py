import asyncio

import pytest

from paykit.base import call as calls
from paykit.cause import Cause


def _call(deadline: float | None) -> calls.CallContext:
    return calls.CallContext(caller="alice", cause=Cause("journey"), request_id="r", deadline=deadline)


async def test_a_call_is_seen_by_its_own_task_only() -> None:
    seen: list[calls.CallContext | None] = []

    async def serve(call: calls.CallContext) -> None:
        calls.enter_call(call)
        await asyncio.sleep(0)
        seen.append(calls.call_or_none())

    first, second = _call(None), _call(1.0)
    await asyncio.gather(asyncio.create_task(serve(first)), asyncio.create_task(serve(second)))
    assert seen == [first, second]
    assert calls.call_or_none() is None


def test_outside_of_calls_there_is_none() -> None:
    with pytest.raises(LookupError):
        calls.current_call()


def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    assert _call(0.0).time_remaining() == 0.0


def test_a_call_without_deadline_has_no_time_remaining() -> None:
    assert _call(None).time_remaining() is None
