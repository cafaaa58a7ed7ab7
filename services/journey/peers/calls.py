"""Calls to the other services during one call to this one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from paykit.base import peer_calls
from paykit.base.call import current_call
from paykit.base.peer_calls import PEER_ANSWER_S_MAX, UNREACHABLE, Decodable, Reply
from paykit.serve import auth, edge
from paystream.journey.v1 import journey_pb2 as pb

CALLS_MAX = 16
"""Calls in flight at once."""
PAGE_ROWS_MAX = 1_000

_log = structlog.get_logger()


class Page(Decodable, Protocol):
    """A page of a list."""

    @property
    def next_page_token(self) -> str:
        """Empty on the last page."""


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
        service, path = peer_calls.method_of(request)
        channel = self._channels.get(service)
        async with self._in_flight:
            if channel is None:
                self.absent.setdefault(service, pb.ABSENCE_REASON_NO_ADDRESS)
            if channel is None or service in self.absent:
                return None
            try:
                return await peer_calls.ask(channel, request, reply_type, timeout_s=_timeout_s(), metadata=_metadata())
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
        unreachable = error.code() in UNREACHABLE
        reason = pb.ABSENCE_REASON_UNREACHABLE if unreachable else pb.ABSENCE_REASON_FAILED
        self.absent.setdefault(service, reason)
        method = path.rpartition("/")[2]
        _log.warning("peer_not_asked", peer=service, method=method, code=error.code().name, details=error.details())


@asynccontextmanager
async def connected(addresses: Mapping[str, str]) -> AsyncIterator[Peers]:
    """Open channels to the services at these addresses, for one call."""
    async with peer_calls.open_channels(addresses) as channels:
        yield Peers(channels)


def _timeout_s() -> float:
    remaining_s = current_call().time_remaining()
    return PEER_ANSWER_S_MAX if remaining_s is None else min(PEER_ANSWER_S_MAX, remaining_s)


def _metadata() -> tuple[tuple[str, str], ...]:
    call = current_call()
    carried = {
        auth.CALLER_KEY: call.caller,
        edge.CORRELATION_KEY: call.cause.correlation_id,
        edge.TRACE_KEY: call.cause.traceparent,
    }
    return tuple((key, value) for key, value in carried.items() if value)
