"""Calls of one service to another's RPCs: reads alone, never on a write path, each with a time of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, Self, TypeVar

import grpc
from google.protobuf.message import Message

PEER_ANSWER_S_MAX = 2.0
"""How long one call to a peer may take."""

UNREACHABLE = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})
"""What a call ends with where nobody answered."""


class Decodable(Protocol):
    """A message as it comes over the wire."""

    @classmethod
    def FromString(cls, encoded: bytes, /) -> Self:  # noqa: N802  The name is protobuf's.
        """Read it."""


Reply = TypeVar("Reply", bound=Decodable)


def method_of(request: Message) -> tuple[str, str]:
    """The name of the service that a request is for, as in `payment`, and the path of the one method that takes it.

    Raises:
        LookupError: No method of the message's own file takes it.
    """
    for service in request.DESCRIPTOR.file.services_by_name.values():
        for method in service.methods:
            if method.input_type.full_name == request.DESCRIPTOR.full_name:
                return service.full_name.split(".")[1], f"/{service.full_name}/{method.name}"
    raise LookupError(f"no method takes {request.DESCRIPTOR.full_name}")


async def ask(
    channel: grpc.aio.Channel,
    request: Message,
    reply_type: type[Reply],
    *,
    timeout_s: float = PEER_ANSWER_S_MAX,
    metadata: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Call the method that a request is for.

    Raises:
        grpc.aio.AioRpcError: It refused, or nobody answered in time.
    """
    method = channel.unary_unary(
        method_of(request)[1],
        request_serializer=type(request).SerializeToString,
        response_deserializer=reply_type.FromString,
    )
    return await method(request, timeout=timeout_s, metadata=metadata)


@asynccontextmanager
async def open_channels(addresses: Mapping[str, str]) -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    """Open channels to services, by name."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for name, address in addresses.items()
        }
