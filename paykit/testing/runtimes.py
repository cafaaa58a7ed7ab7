"""A service's runtime on a test's database, without servers, consumers or relay: commands and handlers run for real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from paykit.base.call import CallContext, enter_call
from paykit.base.config import Settings
from paykit.cause import Cause
from paykit.clock import Clock, ManualClock
from paykit.events import classes as catalogue
from paykit.events.codec import Codec
from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paykit.testing import databases, goldens
from paykit.testing.fake_registry import FakeRegistry

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""Where the clock of a test stands, unless it says otherwise."""


@asynccontextmanager
async def runtime(
    service: Service, database_url: str, *, cache_dir: Path, clock: Clock | None = None
) -> AsyncIterator[Runtime]:
    """A prepared runtime on a registry in memory that knows every published schema."""
    async with _published().client() as client:
        settings = Settings(
            database_url=SecretStr(database_url),
            database_service_password=SecretStr(databases.SERVICE_PASSWORD),
            cache_dir=cache_dir,
        )
        codec = Codec(registry=client, cache_dir=cache_dir)
        service_runtime = Runtime(service=service, settings=settings, codec=codec, clock=clock or ManualClock(START))
        try:
            await service_runtime.prepare()
            await service.on_start(service_runtime)
            yield service_runtime
        finally:
            await service_runtime.close()


@cache
def _published() -> FakeRegistry:
    """Return the registry that all runtimes of this process ask."""
    return goldens.registry(catalogue.own_files().values()).fake


def act_as(caller: str, *, correlation_id: str = "cor_test") -> CallContext:
    """Make the rest of the current task part of a call by this caller, for code that asks for the call in progress."""
    call = CallContext(caller=caller, cause=Cause(correlation_id, None, caller, None), request_id="test", deadline=None)
    enter_call(call)
    return call


def leave_call() -> None:
    """End what `act_as` began."""
    enter_call(None)
