"""The edge: what happens to every call, around its servicer, in one straight line.

Concurrency bound, deadline, trace and correlation ids, caller, validation; then the servicer; then the mapping of
whatever it raises, metrics and one log line. It is a single interceptor, with one wrapper per method made once, because
a chain of them costs as much as a small call itself.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from paykit.serve.edge import EdgeOptions, Gate
from paykit.serve.wrapping import Wrapping

if TYPE_CHECKING:
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]  # Generic in the stubs alone.


class Edge(grpc.aio.ServerInterceptor):
    """Puts the edge around every method of a server, health and reflection included."""

    def __init__(self, options: EdgeOptions | None = None) -> None:
        self._gate = Gate(options or EdgeOptions())
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[Handler | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Return the method's handler with the edge around it; made at the method's first call."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:  # An unknown method.
                return None
            wrapped = self._wrapped[method] = self.around(method, handler)[1]
        return wrapped

    def around(self, method: str, handler: "Handler") -> tuple[Wrapping, "Handler"]:
        """Put the edge around one method; return what it knows of it, and the handler to call."""
        wrapping = Wrapping(self._gate, method, handler)
        return wrapping, _wrap(wrapping, handler)


def _wrap(around: Wrapping, handler: "Handler") -> "Handler":
    """Choose the wrapper of the method's kind."""
    serialize = handler.response_serializer
    if not handler.response_streaming:
        # Replies arrive as bytes: made inside the wrapper, so that a reply that cannot be serialized is logged as such.
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(around.stream_unary, around.parse)
        return grpc.unary_unary_rpc_method_handler(around.unary_unary, around.parse)
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(around.stream_stream, around.parse, serialize)
    # A servicer that writes to the context instead of yielding (health's Watch does) stays one that writes.
    yields = inspect.isasyncgenfunction(handler.unary_stream)
    behaviour = around.unary_stream if yields else around.unary_written
    return grpc.unary_stream_rpc_method_handler(behaviour, around.parse, serialize)
