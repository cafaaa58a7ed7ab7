"""One method with the edge around it, in the four forms of gRPC."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from google.protobuf.message import DecodeError, Message

from paykit.base.errors import DeadlineExceeded
from paykit.base.metrics import CallMetrics
from paykit.serve import edge, status
from paykit.serve.edge import PERMIT, Context, Gate, Received, checked

if TYPE_CHECKING:
    import grpc
    from google.rpc import status_pb2

    from paykit.base.call import CallContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadyRefusal:
    """A refusal that is sent as it is, again and again."""

    code: "grpc.StatusCode"
    message: str
    trailers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, described: "status_pb2.Status") -> Self:
        """Make what all calls that are refused by it are sent."""
        return cls(status.code_of(described), described.message, status.trailer(described))


# Probes and tools must be answered when all else is refused.
_UNCOUNTED = ("/grpc.health.", "/grpc.reflection.")


class Wrapping:
    """The wrapper of one method; each public coroutine takes the place of a servicer's of that form.

    Replies that come alone are serialized here, so that one which cannot be is an error like any other.

    Attributes:
        gate: Opens and judges its calls.
        method: As in `/package.Service/Method`.
        slots: Bound its calls; None where they are not counted.
        metrics: Of its calls.
        refusal: Of calls that are too much, before they are read; None where they are to reach the edge.
    """

    def __init__(self, gate: Gate, method: str, handler: "grpc.RpcMethodHandler[Any, Any]") -> None:
        self.gate = gate
        self.method = method
        streaming = bool(handler.request_streaming or handler.response_streaming)
        self.slots = None if method.startswith(_UNCOUNTED) else gate.slots(streaming=streaming)
        self.metrics = CallMetrics(method)
        self._parse: Any = handler.request_deserializer
        self._serialize: Any = handler.response_serializer
        self._behaviour: Any = (
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )
        # Who is sending a stream, and is answered at once, may see its sending fail and nothing of the answer.
        slots = None if handler.request_streaming else self.slots
        self.refusal = None if slots is None else ReadyRefusal.of(gate.described(slots.exhausted))

    def parse(self, serialized: bytes) -> Received:
        """Read a request and keep its bytes; bytes that are no such message become a refusal later."""
        try:
            return self._parse(serialized), serialized
        except DecodeError:
            return None, serialized

    def refused(self, refusal: ReadyRefusal) -> None:
        """Count a call that is refused before anything of it was read."""
        self.metrics.answered(refusal.code.name, seconds=0.0)
        self.gate.ended(self.method, refusal.code.name, 0.0)

    async def unary_unary(self, received: Received, context: Context) -> bytes:
        """Serve one request with one reply."""
        async with _Passage(self, context) as passage:
            passage.open(received[0], one_reply=True)
            reply = await _in_time(self._behaviour(checked(received), context), passage, context)
            return self.gate.sendable(self._serialize(reply))

    async def stream_unary(self, received: AsyncIterator[Received], context: Context) -> bytes:
        """Serve a stream of requests with one reply."""
        async with _Passage(self, context) as passage:
            passage.open(one_reply=True)
            reply = await _in_time(self._behaviour(_each_checked(received), context), passage, context)
            return self.gate.sendable(self._serialize(reply))

    async def unary_stream(self, received: Received, context: Context) -> AsyncIterator[Message]:
        """Serve one request with a stream of replies that the servicer yields."""
        async with _Passage(self, context) as passage:
            passage.open(received[0])
            async for reply in self._behaviour(checked(received), context):
                yield self.gate.sendable_message(reply)

    async def unary_written(self, received: Received, context: Context) -> None:
        """Serve one request with a stream of replies that the servicer writes to the context."""
        async with _Passage(self, context) as passage:
            passage.open(received[0])
            await self._behaviour(checked(received), context)

    async def stream_stream(self, received: AsyncIterator[Received], context: Context) -> AsyncIterator[Message]:
        """Serve a stream of requests with a stream of replies that the servicer yields."""
        async with _Passage(self, context) as passage:
            passage.open()
            async for reply in self._behaviour(_each_checked(received), context):
                yield self.gate.sendable_message(reply)


class _Passage:
    """One call on its way: counts it in and out, and answers for whatever ends it."""

    __slots__ = ("_around", "_began", "_call", "_context", "_permit")

    def __init__(self, around: Wrapping, context: Context) -> None:
        self._around = around
        self._context = context
        self._began = time.perf_counter()
        self._call: CallContext | None = None
        self._permit = PERMIT.get()

    async def __aenter__(self) -> Self:
        if self._permit is None and self._around.slots is not None:  # gRPC's own loop took the call, and asked nobody.
            self._permit = self._around.slots.acquire()
        return self

    def open(self, request: Message | None = None, *, one_reply: bool = False) -> None:
        slots = self._around.slots
        method = self._around.method
        self._call = self._around.gate.open(self._context, request, method=method, one_reply=one_reply, place=slots)
        if slots is not None and self._permit is None:
            raise slots.exhausted

    @property
    def time_remaining(self) -> float | None:
        return None if self._call is None else self._call.time_remaining()

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        around = self._around
        if self._permit is not None:  # Now, for who hears the answer may call again at once.
            self._permit.release()
        call = self._call
        if error is None:
            if call is not None and call.trailers:  # Trailers cost both sides a tenth of a small call.
                self._context.set_trailing_metadata(tuple(call.trailers))
            self._end("OK")
            return
        answer = around.gate.judge(error, self._context)
        self._end(answer.code)
        if answer.described is not None:
            sent = (*edge.trailers_of_failure(call), *status.trailer(answer.described))
            await self._context.abort(status.code_of(answer.described), answer.described.message, sent)

    def _end(self, code: str) -> None:
        seconds = time.perf_counter() - self._began
        self._around.metrics.answered(code, seconds=seconds)
        self._around.gate.ended(self._around.method, code, seconds)
        if self._call is not None and self._call.span is not None:
            self._call.span.end(code)


async def _each_checked(received: AsyncIterator[Received]) -> AsyncIterator[Message]:
    """Check each request of a stream when the servicer asks for it; the first wrong one ends the call."""
    async for message in received:
        yield checked(message)


async def _in_time(work: Awaitable[T], passage: _Passage, context: Context) -> T:
    """Wait for the reply. gRPC itself cancels calls that came with a deadline; the others are bounded here."""
    if context.time_remaining() is not None:
        return await work
    try:
        async with asyncio.timeout(passage.time_remaining) as bound:
            return await work
    except TimeoutError:
        if not bound.expired():
            raise
        raise DeadlineExceeded("the call took longer than calls without a deadline may take") from None
