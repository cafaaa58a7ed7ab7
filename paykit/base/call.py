"""What is known about the call in progress: who asks, for what journey, until when."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from paykit.base.tracing import CallSpan
from paykit.cause import Cause


class Place(Protocol):
    """What a call in progress holds of the bound on all of them."""

    def step_aside(self, *, bounded: bool = True) -> bool:
        """Leave the place to others while the call waits for what others bring; False where too many wait already.

        What has a bound of its own on those who wait is not `bounded` by this one.
        """
        ...

    def step_back(self, *, bounded: bool = True) -> None:
        """Take the place again; the bound may be passed for a moment."""
        ...


@dataclass(slots=True, kw_only=True)
class CallContext:
    """One gRPC call as the edge saw it.

    Attributes:
        caller: Who asks; `anonymous` unless the caller said so or was authenticated.
        cause: What every change made by this call is put down to.
        request_id: The request's own `request_id`, else that of the transport; stands in logs.
        deadline: When the caller stops waiting, in seconds of `time.monotonic()`; None for a stream without an end.
        place: Of this call among all in progress; None outside of a server.
        trailers: Text metadata that goes out after the reply, keys in lower case.
        span: Of this call, if its trace is sampled.
    """

    caller: str
    cause: Cause
    request_id: str
    deadline: float | None
    place: Place | None = None
    trailers: list[tuple[str, str]] = field(default_factory=list)
    span: CallSpan | None = None

    def time_remaining(self) -> float | None:
        """Return the seconds left, never below 0; None without a deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)


# Set once per call, in the context of the call's own task, so that it needs no reset.
_CURRENT: ContextVar[CallContext | None] = ContextVar("paystream_call", default=None)


def current_call() -> CallContext:
    """Return the call in progress.

    Raises:
        LookupError: No call is in progress: this is a job or a handler, which carry their own cause.
    """
    call = _CURRENT.get()
    if call is None:
        raise LookupError("no gRPC call is in progress")
    return call


def call_or_none() -> CallContext | None:
    """Return the call in progress, or None outside of calls."""
    return _CURRENT.get()


def enter_call(call: CallContext | None) -> None:
    """Make `call` the call in progress for the current task and those it starts; None for no call."""
    _CURRENT.set(call)
