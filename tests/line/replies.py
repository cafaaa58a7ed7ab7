"""Replies held to the rules of their own protos, whether they come through gRPC or from a servicer called directly."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message

from paykit.serve.validation import validator

T = TypeVar("T")
M = TypeVar("M")


class ReplyInvalid(AssertionError):
    """A service has sent what breaks a rule of its own contract."""


def keeping_rules(reply: M) -> M:
    """Return a reply that keeps the rules of its proto and of all messages in it, as the edge holds requests to them.

    Raises:
        ReplyInvalid: It breaks one.
    """
    broken = broken_rule(reply) if isinstance(reply, Message) else None
    if broken is not None:
        raise ReplyInvalid(f"{broken}\n{reply}")
    return reply


def broken_rule(reply: Message) -> str | None:
    """Name the message, the field and the rule that a reply breaks; None of one that keeps them all."""
    refusal = validator.validate_message(reply)
    return None if refusal is None else f"{reply.DESCRIPTOR.full_name}: {refusal.message}"


def checked(servicer: T) -> T:
    """Stand in the place of a servicer that is called without gRPC, and look at every reply."""
    return cast("T", _Checked(servicer))


def interceptors() -> Sequence[grpc.aio.ClientInterceptor]:
    """Return what looks at every reply that comes through a channel."""
    return [_UnaryReplies(), _StreamedReplies(), _UploadReplies(), _ExchangedReplies()]


class _Checked:
    def __init__(self, servicer: object) -> None:
        self._servicer = servicer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._servicer, name)
        if not name[0].isupper():  # Methods of a proto alone are named so.
            return found

        def answer(request: Any, context: Any) -> Any:
            replies = found(request, context)
            return _each(replies) if hasattr(replies, "__aiter__") else _one(replies)

        return answer


async def _one(reply: Awaitable[M]) -> M:
    return keeping_rules(await reply)


async def _each(replies: AsyncIterator[M]) -> AsyncIterator[M]:
    try:
        async for reply in replies:
            yield keeping_rules(reply)
    finally:
        if isinstance(replies, AsyncGenerator):  # Who stops reading ends the servicer's work, as gRPC does.
            await replies.aclose()


Continuation = Callable[[Any, Any], Awaitable[Any]]


class _UnaryReplies(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:
        call = await continuation(client_call_details, request)
        keeping_rules(await call)
        return call


class _UploadReplies(grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Continuation, client_call_details: Any, request_iterator: Any
    ) -> Any:
        call = await continuation(client_call_details, request_iterator)
        keeping_rules(await call)
        return call


class _StreamedReplies(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:
        return _each(await continuation(client_call_details, request))


class _ExchangedReplies(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Continuation, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return _each(await continuation(client_call_details, request_iterator))
