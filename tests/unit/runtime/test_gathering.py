"""When a group waits for calls that are about to come, and when it does not."""

import asyncio

from paykit.serve.groups.gathering import GATHER_S_MAX, GATHERED_CALLS_MIN, Gathering

ENDS_S_MAX = 30.0


def test_few_calls_are_never_waited_for() -> None:
    gathering = Gathering()
    assert not gathering.expects_more(1, 0.0)
    gathering.answered(GATHERED_CALLS_MIN - 2, waiting=1, now_s=10.0)
    assert not gathering.expects_more(1, 10.0)
    gathering.answered(GATHERED_CALLS_MIN - 1, waiting=1, now_s=10.0)
    assert gathering.expects_more(1, 10.0)


def test_as_many_are_expected_as_were_answered_and_as_waited_then() -> None:
    gathering = Gathering()
    gathering.answered(30, waiting=20, now_s=10.0)
    assert gathering.expects_more(49, 10.0)
    assert not gathering.expects_more(50, 10.0)


def test_they_are_expected_for_a_moment_alone() -> None:
    gathering = Gathering()
    gathering.answered(8, waiting=20, now_s=10.0)  # 5 ms, and 2 ms for the eight.
    assert gathering.expects_more(1, 10.0069)
    assert not gathering.expects_more(1, 10.0071)


def test_they_are_expected_for_longer_the_more_were_answered_but_not_without_end() -> None:
    gathering = Gathering()
    gathering.answered(40, waiting=0, now_s=10.0)  # 5 ms, and 10 ms for the forty.
    assert gathering.expects_more(1, 10.0149)
    assert not gathering.expects_more(1, 10.0151)
    gathering.answered(256, waiting=0, now_s=10.0)
    assert gathering.expects_more(1, 10.0 + 0.99 * GATHER_S_MAX)
    assert not gathering.expects_more(1, 10.0 + 1.01 * GATHER_S_MAX)


async def test_the_group_starts_when_all_have_come_and_no_other_waits_beside_it() -> None:
    gathering = Gathering()
    now_s = asyncio.get_running_loop().time()
    gathering.answered(10, waiting=0, now_s=now_s + 1_000.0)
    complete = asyncio.ensure_future(gathering.complete())
    await asyncio.sleep(0)
    assert not gathering.expects_more(1, now_s)
    gathering.arrived(9)
    await asyncio.sleep(0.01)
    assert not complete.done()
    gathering.arrived(10)
    gathering.arrived(11)
    async with asyncio.timeout(ENDS_S_MAX):
        await complete
    assert gathering.expects_more(1, now_s)


async def test_the_group_starts_without_those_who_do_not_come() -> None:
    gathering = Gathering()
    gathering.answered(10, waiting=0, now_s=asyncio.get_running_loop().time())
    async with asyncio.timeout(ENDS_S_MAX):
        await gathering.complete()
