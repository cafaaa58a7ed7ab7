"""Who may use which connections of a pool."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from paykit.base.errors import UnavailableError
from paykit.postgres import connecting
from paykit.postgres.lanes import Share, Shares


async def test_whatever_one_share_takes_each_other_still_has_a_connection_of_its_own() -> None:
    shares = Shares(8)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(shares.connection(Share.JOBS))
        late = asyncio.create_task(stack.enter_async_context(shares.connection(Share.JOBS)))
        for share in set(Share) - {Share.JOBS}:
            await stack.enter_async_context(shares.connection(share))
        await asyncio.sleep(0)
        assert not late.done()
        late.cancel()


async def test_a_common_connection_goes_to_whoever_waits_longest_and_an_own_one_to_its_share() -> None:
    shares = Shares(7)
    taken = [shares.connection(Share.JOBS), shares.connection(Share.JOBS), shares.connection(Share.READS)]
    for connection in taken:
        await connection.__aenter__()
    order: list[Share] = []

    async def use(share: Share) -> None:
        async with shares.connection(share):
            order.append(share)
            await asyncio.Event().wait()

    waiting = []
    for share in (Share.READS, Share.JOBS):
        waiting.append(asyncio.create_task(use(share)))
        await asyncio.sleep(0)
    await taken[0].__aexit__(None, None, None)  # The jobs' own.
    await asyncio.sleep(0)
    assert order == [Share.JOBS]
    await taken[1].__aexit__(None, None, None)  # The common one.
    await asyncio.sleep(0)
    assert order == [Share.JOBS, Share.READS]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with shares.connection(Share.READS), shares.connection(Share.JOBS):  # All came back: three are free.
        pass


async def test_who_waits_for_too_long_is_told_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT_S", 0.0)
    shares = Shares(2)
    async with shares.connection(Share.READS), shares.connection(Share.READS):
        with pytest.raises(UnavailableError):
            await shares.connection(Share.JOBS).__aenter__()
    async with shares.connection(Share.JOBS), shares.connection(Share.JOBS):
        pass


async def test_who_gives_up_while_a_connection_comes_gives_it_to_the_next() -> None:
    shares = Shares(1)
    first = shares.connection(Share.READS)
    await first.__aenter__()
    gone = asyncio.create_task(shares.connection(Share.JOBS).__aenter__())
    await asyncio.sleep(0)
    await first.__aexit__(None, None, None)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    async with shares.connection(Share.READS):
        pass
