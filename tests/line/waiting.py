"""Waiting for what happens elsewhere: always bounded, never by a fixed pause."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

WAIT_S_MAX = 120.0
"""Far beyond what a loaded machine needs; a test that waits this long has failed."""
PAUSE_S = 0.1


async def until(look: Callable[[], Awaitable[T]], *, seconds: float = WAIT_S_MAX) -> T:
    """Look again and again until something true is seen, and give it.

    Raises:
        TimeoutError: It never was; the text names what was looked at and what was seen last.
    """
    seen: T | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                seen = await look()
                if seen:
                    return seen
                await asyncio.sleep(PAUSE_S)
    except TimeoutError as error:
        raise TimeoutError(f"{look.__qualname__} still gives {seen!r} after {seconds:.0f} s") from error
