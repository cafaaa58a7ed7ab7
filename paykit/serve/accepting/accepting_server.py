"""Takes calls from gRPC as they come, many at a time, and refuses at once those that are too many.

gRPC's own loop takes one call of a method, lets the event loop turn several times, and takes the next. A busy process
takes fewer than come then, and the others wait unseen inside gRPC until their callers give up. Here a method asks for
as many calls ahead as it had in progress at once, and a call beyond the bound on these is answered before its request
is even read, in a third of the time that it takes to refuse it in the edge.

It stands on parts of grpcio that are not public (`grpc_parts`). Where a version has them otherwise, `new_server` makes
a server with gRPC's own loop, which does the same more slowly.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import grpc
import structlog
from grpc._cython import cygrpc
from grpc.aio import _server as grpc_aio_server

from paykit.serve.accepting import completions, grpc_parts
from paykit.serve.edge import PERMIT
from paykit.serve.interceptors import Edge
from paykit.serve.wrapping import ReadyRefusal, Wrapping

if TYPE_CHECKING:
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]  # Generic in the stubs alone.
    Serve: TypeAlias = Callable[[Handler, Any, asyncio.AbstractEventLoop], Coroutine[Any, Any, None]]

ASKED_AHEAD_MAX = 128
"""Calls of one method that gRPC is asked for at the same time."""
REFUSALS_AT_ONCE_MAX = 1_000
"""Refusals of one method that are on their way to callers; one more call is reset, for its neighbours are not read."""
ASK_AGAIN_S = 0.1
"""Before gRPC is asked again that failed to give a call."""


def new_server(edge: Edge, options: Sequence[tuple[str, int]], *, core: Any = cygrpc) -> grpc.aio.Server:
    """Make a server whose methods, once added, have the edge around them.

    Args:
        edge: For all of them.
        options: Of gRPC.
        core: Of the grpcio that is installed.
    """
    if grpc_parts.fits(core):
        with completions.heard_together(core.get_working_loop()):
            return cast("grpc.aio.Server", AcceptingServer(edge, options))
    structlog.get_logger(__name__).warning("grpc_takes_calls_one_by_one", grpcio=grpc.__version__)
    return grpc.aio.server(interceptors=[edge], options=options)


class AcceptingServer(grpc_aio_server.Server):
    """The server of `grpc.aio`, but for how it takes calls."""

    def __init__(self, edge: Edge, options: Sequence[tuple[str, int]]) -> None:
        self._loop = cygrpc.get_working_loop()
        self._server = _Core(self._loop, edge, tuple(options))


class _Method:
    """A method that may be called, and the calls of it."""

    __slots__ = ("around", "asked", "calls", "encoded", "handler", "refusals", "serve")

    def __init__(self, around: Wrapping, handler: "Handler") -> None:
        self.around = around
        self.handler = handler
        self.encoded = around.method.encode()
        self.serve = _serve_of(handler)
        self.asked: set[asyncio.Task[None]] = set()
        self.calls: set[asyncio.Task[None]] = set()
        self.refusals: set[asyncio.Task[None]] = set()

    @property
    def wants_more(self) -> bool:
        """Whether more calls come at once than are asked for."""
        asked = len(self.asked)
        return asked < ASKED_AHEAD_MAX and asked < len(self.calls) + len(self.refusals)


class _Core(cygrpc.AioServer):  # type: ignore[misc]  # A class of Cython, without stubs.
    """Takes the calls of methods that were added by name; gRPC's own loop has the others, behind the same edge."""

    def __new__(cls, loop: asyncio.AbstractEventLoop, edge: Edge, options: tuple[tuple[str, int], ...]) -> Any:
        return super().__new__(cls, loop, None, (), (edge,), options, None)

    def __init__(self, loop: asyncio.AbstractEventLoop, edge: Edge, options: tuple[tuple[str, int], ...]) -> None:
        super().__init__(loop, None, (), (edge,), options, None)
        self._own_loop = loop
        self._edge = edge
        self._methods: dict[bytes, _Method] = {}
        self._log = structlog.get_logger(__name__)

    def add_registered_method_handlers(self, method_handlers: dict[str, "Handler"]) -> None:
        """Take the methods of a service, by their full names."""
        super().add_registered_method_handlers(method_handlers)
        for name, handler in method_handlers.items():
            method = _Method(*self._edge.around(name, handler))
            self._methods[method.encoded] = method

    def _make_request_call_future(self, method_bytes: bytes | None) -> Any:
        if method_bytes is None:
            return super()._make_request_call_future(None)
        self._ask(self._methods[method_bytes])
        return self._own_loop.create_future()  # gRPC's loop waits for this method in vain.

    def _ask(self, method: _Method) -> None:
        """Ask for one more call of a method at the same time, again and again."""
        _keep(method.asked, self._own_loop.create_task(self._keep_taking(method)))

    async def _keep_taking(self, method: _Method) -> None:
        while True:
            try:
                state = await self._request_registered_call(method.encoded)
                self._take(method, state)
            except Exception as error:  # noqa: BLE001 - a method that asks no more would be dead
                if not self.is_running():
                    return
                self._log.exception("grpc_call_not_taken", method=method.around.method, exc_info=error)
                await asyncio.sleep(ASK_AGAIN_S)
            # Let go of the call before the next one is awaited: who else holds it decides how long it lasts.
            state = None

    def _take(self, method: _Method, state: Any) -> None:
        """Have a call served or refused, each in a task of its own."""
        around = method.around
        if around.slots is None or around.refusal is None:
            PERMIT.set(None)  # The edge asks by itself.
            self._serve(method, state)
        elif (permit := around.slots.acquire()) is not None:
            PERMIT.set(permit)  # The call's tasks have a copy of this context.
            # Its end gives the permit back where the call ends before it reaches the edge: its caller went away.
            self._serve(method, state).add_done_callback(permit.release)
        else:
            around.refused(around.refusal)
            if len(method.refusals) < REFUSALS_AT_ONCE_MAX:
                _keep(method.refusals, self._own_loop.create_task(self._refuse(around.refusal, state)))
        if method.wants_more:
            self._ask(method)

    def _serve(self, method: _Method, state: Any) -> asyncio.Task[None]:
        loop = self._own_loop
        serving = method.serve(method.handler, state, loop)
        # It also hears when the caller goes away, and cancels the call then.
        watched = cygrpc._schedule_rpc_coro(serving, state, loop, method.around.method)  # noqa: SLF001
        return _keep(method.calls, loop.create_task(watched))

    async def _refuse(self, refusal: ReadyRefusal, state: Any) -> None:
        """Answer a call that is too much, and have neither its metadata nor its request read."""
        context = cygrpc._ServicerContext(state, None, None, self._own_loop)  # noqa: SLF001
        # Raised in any case: the call has ended by this, or because its caller has gone.
        with contextlib.suppress(cygrpc.BaseError):
            await context.abort(refusal.code, refusal.message, refusal.trailers)


def _serve_of(handler: "Handler") -> "Serve":
    """Return what gRPC serves calls of the handler's form by."""
    serve: Serve
    if handler.request_streaming:
        serve = cygrpc._handle_stream_stream_rpc if handler.response_streaming else cygrpc._handle_stream_unary_rpc  # noqa: SLF001
    else:
        serve = cygrpc._handle_unary_stream_rpc if handler.response_streaming else cygrpc._handle_unary_unary_rpc  # noqa: SLF001
    return serve


def _keep(tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> asyncio.Task[None]:
    """Hold a task until it is done, as the event loop holds none."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
