"""grpcio-testing's channel with asynchronous servicers at its other end, and no sockets between them.

grpcio-testing alone calls an asynchronous method and takes the coroutine for its reply: a test that cannot fail. Here
the coroutine runs in an event loop, behind the same edge as in production: rules and statuses are the real ones::

    with bridged_channel([Servicer(NAME, add_PaymentServiceServicer_to_server, MyServicer())]) as channel:
        PaymentServiceStub(channel).GetPayment(request)

Requests must come one by one: a stream of them needs a real server. Deadlines do not cross the channel.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import grpc_testing
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha import reflection_pb2_grpc as reflection_rpc

from paykit.serve.interceptors import Edge
from paykit.serve.server import Servicer
from paykit.testing.servicing import describe


@contextmanager
def bridged_channel(
    servicers: Sequence[Servicer], *, loop: asyncio.AbstractEventLoop | None = None
) -> Iterator[grpc.Channel]:
    """Return a channel for blocking callers, answered by servicers and by reflection.

    Args:
        servicers: Their methods with one request each can be called.
        loop: Where the servicers run, if they hold connections of it; call from another thread then. One of its own
            by default.
    """
    names = [servicer.full_name for servicer in servicers]
    services = [describe(name) for name in (*names, reflection.SERVICE_NAME)]
    channel = grpc_testing.channel(services, grpc_testing.strict_real_time())
    bridge = _Bridge(servicers, channel, own=loop is None, loop=loop or asyncio.new_event_loop())
    bridge.start(services)
    try:
        yield channel
    finally:
        bridge.stop()


class _Bridge:
    """Takes calls off the channel, one thread for each method, and runs them in the loop."""

    def __init__(
        self, servicers: Sequence[Servicer], channel: Any, *, own: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._channel = channel
        self._own = own
        self._loop = loop
        self._runner = threading.Thread(target=loop.run_forever, name="grpc-bridge", daemon=True)
        self._edge = Edge()
        self._registered = _Registered()
        for servicer in servicers:
            servicer.add(servicer.implementation, self._registered)
        names = [servicer.full_name for servicer in servicers]
        reflected = reflection.aio.ReflectionServicer([*names, reflection.SERVICE_NAME])
        add_reflection: Any = reflection_rpc.add_ServerReflectionServicer_to_server
        add_reflection(reflected, self._registered)
        self._takers: list[tuple[threading.Thread, Callable[[], object]]] = []
        self._stopping = False

    def start(self, services: Sequence[ServiceDescriptor]) -> None:
        if self._own:
            self._runner.start()
        for method in (method for service in services for method in service.methods):
            one_request = not method.client_streaming or method.containing_service.full_name == reflection.SERVICE_NAME
            if one_request:
                thread = threading.Thread(target=self._take, args=(method,), daemon=True)
                thread.start()
                self._takers.append((thread, lambda method=method: self._poke(method)))  # type: ignore[misc]

    def stop(self) -> None:
        """End the threads: each waits for a call and has no other way to be woken."""
        self._stopping = True
        for thread, poke in self._takers:
            poke()
            thread.join()
        if self._own:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._runner.join()
            self._loop.close()

    def _take(self, method: MethodDescriptor) -> None:
        while True:
            if method.client_streaming:
                metadata, rpc = self._channel.take_stream_stream(method)
                request = None if self._stopping else rpc.take_request()
            elif method.server_streaming:
                metadata, request, rpc = self._channel.take_unary_stream(method)
            else:
                metadata, request, rpc = self._channel.take_unary_unary(method)
            if self._stopping:
                return
            asyncio.run_coroutine_threadsafe(self._answer(method, metadata, request, rpc), self._loop).result()

    def _poke(self, method: MethodDescriptor) -> object:
        if method.client_streaming:
            return self._channel.stream_stream(_path(method))(iter(()))
        form = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        return form(_path(method))(None) if method.server_streaming else form(_path(method)).future(None)

    async def _answer(self, method: MethodDescriptor, metadata: Any, request: Any, rpc: Any) -> None:
        context = _Context(metadata)
        wrapped: Any = await self._edge.intercept_service(self._registered.find, _Details(_path(method)))
        received = wrapped.request_deserializer(request.SerializeToString())
        reply = None
        try:
            if method.server_streaming:
                await _stream(method, wrapped, received, context=context, rpc=rpc)
            else:
                reply = GetMessageClass(method.output_type).FromString(await wrapped.unary_unary(received, context))
        except grpc.aio.AbortError:
            pass  # The context knows what was said.
        ending = (context.trailing, context.code() or grpc.StatusCode.OK, context.details)
        rpc.terminate(*ending) if method.server_streaming else rpc.terminate(reply, *ending)


async def _stream(method: MethodDescriptor, wrapped: Any, received: Any, *, context: "_Context", rpc: Any) -> None:
    if method.client_streaming:
        replies = wrapped.stream_stream(_once(received), context)
    else:
        replies = wrapped.unary_stream(received, context)
    async for reply in replies:
        rpc.send_response(reply)


async def _once(received: Any) -> Any:
    yield received


def _path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


class _Details(grpc.HandlerCallDetails):
    """Names a method to the edge."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


class _Registered:
    """Stands for a server while servicers are added to it, and remembers their handlers."""

    def __init__(self) -> None:
        self._generic: list[Any] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        self._generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """Do nothing: the same handlers come generic as well."""

    async def find(self, details: grpc.HandlerCallDetails) -> Any:
        return next(handler for generic in self._generic if (handler := generic.service(details)))


class _Context:
    """What the edge and servicers use of a call."""

    def __init__(self, metadata: Any) -> None:
        self._metadata = metadata
        self._code: grpc.StatusCode | None = None
        self.details = ""
        self.trailing: Any = ()

    def invocation_metadata(self) -> Any:
        return tuple(self._metadata or ())

    def time_remaining(self) -> float | None:
        return None

    def code(self) -> grpc.StatusCode | None:
        return self._code

    def set_trailing_metadata(self, trailing: Any) -> None:
        self.trailing = trailing

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> None:
        self._code, self.details, self.trailing = code, details, trailing_metadata
        raise grpc.aio.AbortError
