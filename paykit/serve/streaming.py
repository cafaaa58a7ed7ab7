"""Streams of requests taken in chunks, so that a stream costs as few transactions as batches do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class _End:
    """Stands behind the last request: how the stream ended."""

    error: Exception | None = None


class _Reader(Generic[Q]):
    """Reads ahead of whoever takes chunks, as far as there is room, and no further."""

    def __init__(self, requests: AsyncIterator[Q], items_max: int) -> None:
        self._requests = requests
        self._items_max = items_max
        self._waiting: asyncio.Queue[Q | _End] = asyncio.Queue(items_max)

    async def run(self) -> None:
        end = _End()
        try:
            async for request in self._requests:
                await self._waiting.put(request)
        except Exception as error:  # noqa: BLE001 - raised where the chunks are taken, after those before it
            end = _End(error)
        await self._waiting.put(end)

    async def next(self) -> tuple[list[Q], _End | None]:
        """Wait for a request, and take with it those that wait already."""
        first = await self._waiting.get()
        chunk: list[Q] = []
        while not isinstance(first, _End):
            chunk.append(first)
            if len(chunk) == self._items_max or self._waiting.empty():
                return chunk, None
            first = self._waiting.get_nowait()
        return chunk, first


async def in_chunks(requests: AsyncIterator[Q], *, items_max: int) -> AsyncGenerator[list[Q], None]:
    """Return the requests of a stream in order, those that came while a chunk was worked on together in the next one.

    A request that waits alone is given at once. At most `items_max` more are read ahead, beyond the chunk in work: then
    the stream is not read, and its sender is held up. What came before a stream broke is given before the error.

    Close it (`contextlib.aclosing`) when it is not taken to its end: reading ahead ends then.

    Raises:
        Exception: What reading the stream raised.
    """
    reader = _Reader(requests, items_max)
    reading = asyncio.create_task(reader.run())
    try:
        end = None
        while end is None:
            chunk, end = await reader.next()
            if chunk:
                yield chunk
        if end.error is not None:
            raise end.error
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
