"""A service's runtime for one command: its database and codec, without servers, consumers or relay."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from paykit.events.registry import RegistryClient
from paykit.process.catalogue import load_service
from paykit.process.runtime import Runtime, make_codec
from paytools.cli import addresses, local

T = TypeVar("T")

ID_MAX = 2**63 - 1
"""As PostgreSQL numbers rows, and Kafka records."""
PARTITION_MAX = 2**31 - 1


def run_with_runtime(name: str, work: Callable[[Runtime], Awaitable[T]], *, home: Path) -> T:
    """Run work with a service's runtime, from the settings or those of the local stack in `home`, and close it."""
    return asyncio.run(_with_runtime(name, work, home))


async def _with_runtime(name: str, work: Callable[[Runtime], Awaitable[T]], home: Path) -> T:
    service, settings = load_service(name), local.settings(home)
    if not service.keeps_tables:
        addresses.fail(f"{name} keeps no tables: there is nothing to look at")
    async with RegistryClient(settings.registry_url) as registry:
        runtime = Runtime(service=service, settings=settings, codec=make_codec(settings, registry))
        try:
            await runtime.prepare()
            await service.on_start(runtime)
            return await work(runtime)
        finally:
            await runtime.close()
