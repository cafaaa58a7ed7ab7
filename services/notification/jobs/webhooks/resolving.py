"""Names to network addresses, each time anew: what a name meant before proves nothing."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

RESOLVING_THREADS_MAX = 128
"""Names resolved at one time: a name server that does not answer keeps its thread for longer than a try lasts."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the network addresses of a host for a port, in the order of preference; raises OSError where there are none."""

_threads = ThreadPoolExecutor(RESOLVING_THREADS_MAX, thread_name_prefix="resolve")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver.

    Raises:
        OSError: It knows no address, or does not answer.
    """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_threads, _ask, host, port)
    return list(dict.fromkeys(found))


def _ask(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
