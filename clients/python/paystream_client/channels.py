"""Channels for the generated stubs: calls have deadlines, are tried again where that is safe, and raise `CallError`."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import grpc

from paystream_client.errors import CallError, to_call_error
from paystream_client.retries import Retries, is_repeatable

DEADLINE_S = 10.0

Metadata = Sequence[tuple[str, str | bytes]]
_NO_RETRY = Retries(tries_max=1)


def connect(
    address: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    deadline_s: float = DEADLINE_S,
    retries: Retries = Retries(),  # noqa: B008 - frozen
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.Channel:
    """Open a channel for blocking calls; close it, or use it in a `with`.

    Args:
        address: `host:port` or another target of gRPC's.
        credentials: Of TLS; without them nothing is encrypted.
        metadata: Sent with every call.
        deadline_s: Of a call that gives no timeout of its own: of all its tries together. Calls that stream have none.
        retries: Of calls that may be made twice. `future()` waits for them, too.
        options: Of the channel.
    """
    opened = _open(grpc.insecure_channel, grpc.secure_channel, address, credentials, options)
    return grpc.intercept_channel(opened, _Calls(metadata, deadline_s, retries))


def connect_async(
    address: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    deadline_s: float = DEADLINE_S,
    retries: Retries = Retries(),  # noqa: B008 - frozen
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.aio.Channel:
    """Open a channel of `grpc.aio`; close it, or use it in an `async with`. The arguments are those of `connect`."""
    calls = [_AsyncCalls(metadata, deadline_s, retries)]
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=list(options), interceptors=calls)
    return grpc.aio.secure_channel(address, credentials, options=list(options), interceptors=calls)


def _open(
    insecure: Callable[..., grpc.Channel],
    secure: Callable[..., grpc.Channel],
    address: str,
    credentials: grpc.ChannelCredentials | None,
    options: Sequence[tuple[str, Any]],
) -> grpc.Channel:
    if credentials is None:
        return insecure(address, options=list(options))
    return secure(address, credentials, options=list(options))


class _Details(NamedTuple):
    """What gRPC's interceptors are given and give on; its own class is private."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _Tries:
    """One call: its deadline, and what follows each failed try."""

    def __init__(self, details: Any, request: object, *, deadline_s: float, retries: Retries) -> None:
        method = details.method.decode() if isinstance(details.method, bytes) else details.method
        self._retries = retries if is_repeatable(method, request) else _NO_RETRY
        self._end = time.monotonic() + (deadline_s if details.timeout is None else details.timeout)
        self._tried = 0

    def remaining_s(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def pause_s(self, failure: grpc.RpcError) -> float:
        """Say how long to wait before the next try.

        Raises:
            CallError: There is none: it may not be made twice, was tried often enough, or its time would be over.
        """
        self._tried += 1
        error = to_call_error(failure)
        pause_s = self._retries.after(error, tried=self._tried)
        if pause_s is None or pause_s >= self.remaining_s():
            raise error from failure
        return pause_s


class _Calls(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, metadata: Metadata, deadline_s: float, retries: Retries) -> None:
        self._metadata = metadata
        self._deadline_s = deadline_s
        self._retries = retries

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        tries = _Tries(client_call_details, request, deadline_s=self._deadline_s, retries=self._retries)
        metadata = [*(client_call_details.metadata or ()), *self._metadata]
        while True:
            details = _Details(
                client_call_details.method,
                tries.remaining_s(),
                metadata,
                client_call_details.credentials,
                client_call_details.wait_for_ready,
                client_call_details.compression,
            )
            outcome = continuation(details, request)
            failure = outcome.exception()
            if failure is None:
                return outcome
            if not isinstance(failure, grpc.RpcError):
                raise failure
            time.sleep(tries.pause_s(failure))


class _AsyncCalls(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, metadata: Metadata, deadline_s: float, retries: Retries) -> None:
        self._metadata = metadata
        self._deadline_s = deadline_s
        self._retries = retries

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        tries = _Tries(client_call_details, request, deadline_s=self._deadline_s, retries=self._retries)
        metadata = grpc.aio.Metadata(*(client_call_details.metadata or ()), *self._metadata)
        while True:
            details = client_call_details._replace(timeout=tries.remaining_s(), metadata=metadata)
            call = await continuation(details, request)
            try:
                await call
            except grpc.aio.AioRpcError as failure:
                await asyncio.sleep(tries.pause_s(failure))
            else:
                return call


__all__ = ["DEADLINE_S", "CallError", "Metadata", "connect", "connect_async"]
