"""The other services, asked for what they know: in time, a bounded number of rows, and never twice in vain."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import structlog

from paykit.base.call import current_call
from paykit.errors import DomainError, Kind
from paykit.serve import auth, edge
from paystream.journey.v1 import journey_pb2 as pb

ANSWER_S_MAX = 2.0
"""How long one call to a peer may take."""
CALLS_MAX = 16
"""Calls in flight at once."""
PAGE_ROWS_MAX = 1_000

_UNREACHABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}

_log = structlog.get_logger()


class Peers:
    """The services during one call.

    Attributes:
        absent: Why each service that could not be asked could not; it is not asked again.
        truncated: Whether some list was longer than wanted.
    """

    def __init__(self, stubs: Mapping[str, Any]) -> None:
        self._stubs = stubs
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self.absent: dict[str, pb.AbsenceReason.ValueType] = {}
        self.truncated = False

    async def ask(self, service: str, method: str, request: Any) -> Any | None:
        """Give the reply; None where there is no such thing, or nobody to ask."""
        stub = self._stubs.get(service)
        if stub is None:
            self.absent.setdefault(service, pb.ABSENCE_REASON_NO_ADDRESS)
        async with self._calls:
            if service in self.absent:
                return None
            try:
                return await getattr(stub, method)(request, timeout=_seconds(), metadata=_metadata())
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    self._miss(service, method, error)
                return None

    async def rows(self, service: str, method: str, request: Any, field: str, *, limit: int) -> list[Any]:
        """Give the rows of a list, page after page, up to a number of them."""
        found: list[Any] = []
        while len(found) < limit:
            request.page_size = min(limit - len(found), PAGE_ROWS_MAX)
            reply = await self.ask(service, method, request)
            if reply is None:
                return found
            found += getattr(reply, field)
            request.page_token = reply.next_page_token
            if not request.page_token:
                return found
        self.truncated = True
        return found

    def _miss(self, service: str, method: str, error: grpc.aio.AioRpcError) -> None:
        unreachable = error.code() in _UNREACHABLE
        reason = pb.ABSENCE_REASON_UNREACHABLE if unreachable else pb.ABSENCE_REASON_FAILED
        self.absent.setdefault(service, reason)
        _log.warning("peer_not_asked", peer=service, method=method, code=error.code().name, details=error.details())


class Own:
    """A servicer of this very process, called as a stub is: what it refuses as not there is no answer."""

    def __init__(self, servicer: Any) -> None:
        self._servicer = servicer

    def __getattr__(self, method: str) -> Any:
        async def call(request: Any, *, timeout: float, metadata: Any) -> Any:  # noqa: ARG001, ASYNC109  As a stub's.
            try:
                return await getattr(self._servicer, method)(request, None)
            except DomainError as error:
                if error.kind is not Kind.NOT_FOUND:
                    raise
                return None

        return call


@asynccontextmanager
async def connected(addresses: Mapping[str, str], own: Mapping[str, Any]) -> AsyncIterator[Peers]:
    """Open channels to the services at these addresses for one call; those in `own` are asked directly."""
    async with AsyncExitStack() as stack:
        stubs: dict[str, Any] = {}
        for name, address in addresses.items():
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            stubs[name] = _stub(name, channel)
        yield Peers(stubs | {name: Own(servicer) for name, servicer in own.items()})


def _stub(name: str, channel: grpc.aio.Channel) -> Any:
    module = importlib.import_module(f"paystream.{name}.v1.{name}_pb2_grpc")
    return getattr(module, f"{name.title()}ServiceStub")(channel)


def _seconds() -> float:
    remaining = current_call().time_remaining()
    return ANSWER_S_MAX if remaining is None else min(ANSWER_S_MAX, remaining)


def _metadata() -> tuple[tuple[str, str], ...]:
    call = current_call()
    carried = {
        auth.CALLER_KEY: call.caller,
        edge.CORRELATION_KEY: call.cause.correlation_id,
        edge.TRACE_KEY: call.cause.traceparent,
    }
    return tuple((key, value) for key, value in carried.items() if value)
