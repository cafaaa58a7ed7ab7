"""Calls to the other services during one call to this one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, Self, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from paykit.base.call import current_call
from paykit.serve import auth, edge
from paystream.journey.v1 import journey_pb2 as pb

ANSWER_S_MAX = 2.0
"""How long one call to a peer may take."""
CALLS_MAX = 16
"""Calls in flight at once."""
PAGE_ROWS_MAX = 1_000

_UNREACHABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}

_log = structlog.get_logger()


class Decodable(Protocol):
    """A message as it comes over the wire."""

    @classmethod
    def FromString(cls, encoded: bytes, /) -> Self:  # noqa: N802  The name is protobuf's.
        """Read it."""


class Page(Decodable, Protocol):
    """A page of a list."""

    @property
    def next_page_token(self) -> str:
        """Empty on the last page."""


Reply = TypeVar("Reply", bound=Decodable)
PageT = TypeVar("PageT", bound=Page)
Row = TypeVar("Row")


class Peers:
    """The other services during one call.

    Attributes:
        absent: Why each service that could not be asked could not; it is not asked again.
        truncated: Whether some list was longer than wanted.
    """

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._channels = channels
        self._in_flight = asyncio.Semaphore(CALLS_MAX)
        self.absent: dict[str, pb.AbsenceReason.ValueType] = {}
        self.truncated = False

    async def ask(self, request: Message, reply_type: type[Reply]) -> Reply | None:
        """The reply; None where there is no such thing, or nobody to ask."""
        service, path = _method_of(request)
        channel = self._channels.get(service)
        async with self._in_flight:
            if channel is None:
                self.absent.setdefault(service, pb.ABSENCE_REASON_NO_ADDRESS)
            if channel is None or service in self.absent:
                return None
            try:
                return await _call(channel, path, request, reply_type)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    self._miss(service, path, error)
                return None

    async def rows(
        self, request: Any, page_type: type[PageT], *, rows_of: Callable[[PageT], Iterable[Row]], limit: int
    ) -> list[Row]:
        """The rows of a list, page after page, up to a number of them."""
        rows: list[Row] = []
        while len(rows) < limit:
            request.page_size = min(limit - len(rows), PAGE_ROWS_MAX)
            page = await self.ask(request, page_type)
            if page is None:
                return rows
            rows += rows_of(page)
            request.page_token = page.next_page_token
            if not request.page_token:
                return rows
        self.truncated = True
        return rows

    def _miss(self, service: str, path: str, error: grpc.aio.AioRpcError) -> None:
        unreachable = error.code() in _UNREACHABLE
        reason = pb.ABSENCE_REASON_UNREACHABLE if unreachable else pb.ABSENCE_REASON_FAILED
        self.absent.setdefault(service, reason)
        method = path.rpartition("/")[2]
        _log.warning("peer_not_asked", peer=service, method=method, code=error.code().name, details=error.details())


@asynccontextmanager
async def connected(addresses: Mapping[str, str]) -> AsyncIterator[Peers]:
    """Open channels to the services at these addresses, for one call."""
    async with AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for name, address in addresses.items()
        }
        yield Peers(channels)


def _method_of(request: Message) -> tuple[str, str]:
    """The service that a request is for and the path of its method: messages are named after their one method."""
    package, _, name = request.DESCRIPTOR.full_name.rpartition(".")
    service = package.split(".")[1]
    return service, f"/{package}.{service.title()}Service/{name.removesuffix('Request')}"


async def _call(channel: grpc.aio.Channel, path: str, request: Message, reply_type: type[Reply]) -> Reply:
    method = channel.unary_unary(
        path, request_serializer=type(request).SerializeToString, response_deserializer=reply_type.FromString
    )
    return await method(request, timeout=_timeout_s(), metadata=_metadata())


def _timeout_s() -> float:
    remaining_s = current_call().time_remaining()
    return ANSWER_S_MAX if remaining_s is None else min(ANSWER_S_MAX, remaining_s)


def _metadata() -> tuple[tuple[str, str], ...]:
    call = current_call()
    carried = {
        auth.CALLER_KEY: call.caller,
        edge.CORRELATION_KEY: call.cause.correlation_id,
        edge.TRACE_KEY: call.cause.traceparent,
    }
    return tuple((key, value) for key, value in carried.items() if value)
