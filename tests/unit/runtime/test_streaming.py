"""Streams of requests in chunks: what waits goes together, and no more is read than there is room for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from paykit.serve.streaming import in_chunks


class Source:
    """A stream that counts what was taken from it, and waits wherever it is told to."""

    def __init__(self, *items: int | asyncio.Event | Exception) -> None:
        self.items = items
        self.taken: list[int] = []
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[int]:
        try:
            for item in self.items:
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, Exception):
                    raise item
                else:
                    self.taken.append(item)
                    yield item
        finally:
            self.closed = True


async def settled() -> None:
    """Let every task run as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_what_waits_is_taken_together_in_order() -> None:
    gate = asyncio.Event()
    chunks = in_chunks(aiter(Source(1, gate, 2, 3, 4)), items_max=10)

    first = await anext(chunks)
    gate.set()
    await settled()

    assert first == [1]
    assert [chunk async for chunk in chunks] == [[2, 3, 4]]


async def test_a_chunk_holds_no_more_than_its_bound() -> None:
    async with aclosing(in_chunks(aiter(Source(*range(7))), items_max=3)) as chunks:
        assert [item async for chunk in chunks for item in chunk] == list(range(7))
    async with aclosing(in_chunks(aiter(Source(*range(7))), items_max=3)) as chunks:
        assert max([len(chunk) async for chunk in chunks]) == 3


async def test_no_more_is_read_than_there_is_room_for() -> None:
    source = Source(*range(100))
    async with aclosing(in_chunks(aiter(source), items_max=4)) as chunks:
        chunk = await anext(chunks)
        await settled()
        # The chunk in work, four that wait, and one in the hand of the reader that found no room.
        assert len(source.taken) <= len(chunk) + 4 + 1


async def test_a_stream_without_requests_ends() -> None:
    assert [chunk async for chunk in in_chunks(aiter(Source()), items_max=4)] == []


async def test_what_came_before_a_broken_stream_is_given_before_its_error() -> None:
    given: list[int] = []

    async def take() -> None:
        async for chunk in in_chunks(aiter(Source(1, 2, ValueError("broken"))), items_max=4):
            given.extend(chunk)

    with pytest.raises(ValueError, match="broken"):
        await take()
    assert given == [1, 2]


async def test_reading_ends_with_whoever_takes_the_chunks() -> None:
    source = Source(1, asyncio.Event(), 2)
    async with aclosing(in_chunks(aiter(source), items_max=4)) as chunks:
        await anext(chunks)
    await settled()
    assert (source.taken, source.closed) == ([1], True)
