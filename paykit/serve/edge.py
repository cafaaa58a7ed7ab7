"""What the edge decides about a call: whether it may begin, as whom and until when, and how its end looks."""

import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message
from google.rpc import status_pb2

from paykit import ids
from paykit.base import telemetry, tracing
from paykit.base.call import CallContext, Place, enter_call
from paykit.base.errors import (
    CallsExhausted,
    DeadlineExceeded,
    DependencyUnavailable,
    RequestMalformed,
    UnavailableError,
)
from paykit.base.metrics import CALLS_IN_FLIGHT
from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.serve import auth, reply_sizes, status
from paykit.serve.validation import validator as validation

CORRELATION_KEY = "x-correlation-id"
REQUEST_KEY = "x-request-id"
TRACE_KEY = "traceparent"

# Thousands of calls a second fail while PostgreSQL is away; the log must not be the next thing to fill up.
OUTAGE_LINE_EVERY_S = 1.0


# The stubs of the context differ from what it does (metadata is a tuple, the code may be a number).
Context = Any
# A request beside its bytes, which are scanned for card numbers; None for bytes that are no such message.
Received = tuple[Message | None, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    """How calls are treated.

    Attributes:
        calls_max: Calls of one request and one reply in progress at once; one more is refused. Health checks and
            reflection are not counted: a probe that fails under load takes the process away.
        streams_max: Streams open at once, as `calls_max`: one that stands idle keeps out no call.
        waiters_max: Calls that wait for what an event has yet to tell; meanwhile they do not count as in progress, and
            one more is refused at once with what it lacks.
        deadline_default_s: For a call with one reply that came without a deadline.
        reply_bytes_max: What would be answered by more is refused.
        authenticate: Names the caller, or refuses it.
        errors_help_url: Where docs/errors.md can be read; refused calls get a link to their reason.
    """

    calls_max: int = 1_000
    streams_max: int = 1_000
    waiters_max: int = 200
    deadline_default_s: float = 30.0
    reply_bytes_max: int = 4 * 1024 * 1024
    authenticate: auth.Authenticator = auth.declared_caller
    errors_help_url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended.

    Attributes:
        code: Name of a grpc.StatusCode.
        described: What is sent to the caller; None if the caller is gone or has been answered.
    """

    code: str
    described: status_pb2.Status | None = None


class Permit:
    """The permission of one call to be in progress."""

    __slots__ = ("_slots",)

    def __init__(self, slots: "Slots") -> None:
        self._slots: Slots | None = slots

    def release(self, _call: object = None) -> None:
        """Let another call have it; more than once does no harm."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.leave()


PERMIT: ContextVar[Permit | None] = ContextVar("paystream_permit", default=None)
"""Of the call that the task serves, where whoever took it from gRPC asked for one."""


class Slots:
    """The bound on calls of one kind that are in progress at once, and on those of them that have stepped aside."""

    def __init__(self, calls_max: int, waiters_max: int) -> None:
        self._calls_max = calls_max
        self._waiters_max = waiters_max
        self._in_progress = 0
        self._waiting = 0

    @property
    def exhausted(self) -> CallsExhausted:
        """The refusal of a call that is too much."""
        return CallsExhausted("too many calls at once", calls_max=str(self._calls_max))

    def acquire(self) -> Permit | None:
        """Count a call in; None where there are too many."""
        if self._in_progress >= self._calls_max:
            return None
        self._in_progress += 1
        CALLS_IN_FLIGHT.inc()
        return Permit(self)

    def leave(self) -> None:
        """Count a call out."""
        self._in_progress -= 1
        CALLS_IN_FLIGHT.dec()

    def step_aside(self, *, bounded: bool = True) -> bool:
        """Do as `Place` says."""
        if bounded and self._waiting >= self._waiters_max:
            return False
        self._waiting += bounded
        self._in_progress -= 1
        return True

    def step_back(self, *, bounded: bool = True) -> None:
        """Do as `Place` says."""
        self._waiting -= bounded
        self._in_progress += 1


class Gate:
    """Opens calls and judges how they ended; one for a server."""

    def __init__(self, options: EdgeOptions) -> None:
        self._options = options
        self._calls = Slots(options.calls_max, options.waiters_max)
        self._streams = Slots(options.streams_max, options.waiters_max)
        self._outage_calls = 0
        self._outage_line_due = 0.0
        self._log = structlog.get_logger("paykit.serve.edge").bind()
        # A process that never set up its logs is another team's test, not a service: it wants no line for every call.
        self._writes_calls = structlog.is_configured() and self._log.is_enabled_for(logging.DEBUG)

    def slots(self, *, streaming: bool) -> "Slots":
        """Return what bounds calls of this kind."""
        return self._streams if streaming else self._calls

    def sendable(self, serialized: bytes) -> bytes:
        """Return a reply that may be sent.

        Raises:
            ReplyTooLarge: It is larger than replies may be.
        """
        self._require_sendable(len(serialized))
        return serialized

    def sendable_message(self, reply: Message) -> Message:
        """Do as `sendable` for one of several replies, which gRPC itself serializes."""
        self._require_sendable(reply.ByteSize())
        return reply

    def open(
        self,
        context: Context,
        request: Message | None = None,
        *,
        method: str,
        one_reply: bool,
        place: Place | None = None,
    ) -> CallContext:
        """Learn who calls, for which journey and until when, and make that the call in progress.

        Args:
            context: The call as gRPC sees it.
            request: The request if it is a single one: its `request_id` names the call then.
            method: As in `/package.Service/Method`.
            one_reply: Whether the call ends with its only reply; without a deadline it gets the default one then.
            place: What the call holds of the bound on all; None for one that is not counted.

        Raises:
            DeadlineExceeded: The caller has stopped waiting already.
            DomainError: The caller is refused.
        """
        remaining = context.time_remaining()
        if remaining is None:
            remaining = self._options.deadline_default_s if one_reply else None
        elif remaining <= 0:
            raise DeadlineExceeded("the deadline passed before the call began")
        metadata = dict(context.invocation_metadata() or ())
        caller = self._options.authenticate(metadata)
        call = _call(metadata, getattr(request, "request_id", ""), caller, method)
        call.deadline = None if remaining is None else time.monotonic() + remaining
        call.place = place
        enter_call(call)
        return call

    def judge(self, error: BaseException, context: Context) -> Answer:
        """Say how a call that raised `error` ends; logs what is a defect or an outage."""
        if isinstance(error, DomainError):
            return self._refused(error)
        if isinstance(error, UnavailableError):
            self._tell_of_outage(error)
            return self._refused(DependencyUnavailable(f"{error.part} cannot be reached", part=error.part))
        if isinstance(error, grpc.aio.AbortError):  # The servicer answered by itself, as health does.
            return Answer(_code_name(context))
        if isinstance(error, Exception):
            error_id = ids.new_id("err")
            self._log.error("call_failed", error_id=error_id, exc_info=error)
            return Answer("INTERNAL", status.internal_status(error_id))
        # Cancelled: by the caller, or by gRPC because the deadline passed.
        return Answer("DEADLINE_EXCEEDED" if context.time_remaining() == 0 else "CANCELLED")

    def described(self, error: DomainError) -> status_pb2.Status:
        """Describe a refused call."""
        return status.to_status(error, help_url=self._options.errors_help_url)

    def _refused(self, error: DomainError) -> Answer:
        return Answer(status.CODES[error.kind].name, self.described(error))

    def _require_sendable(self, size: int) -> None:
        if size > self._options.reply_bytes_max:
            raise reply_sizes.reply_too_large(size, self._options.reply_bytes_max)

    def _tell_of_outage(self, error: UnavailableError) -> None:
        """Write one line for the many calls that meet the same outage."""
        self._outage_calls += 1
        now = time.monotonic()
        if now >= self._outage_line_due:
            self._log.warning("calls_met_outage", part=error.part, error=str(error), calls=self._outage_calls)
            self._outage_calls, self._outage_line_due = 0, now + OUTAGE_LINE_EVERY_S

    def ended(self, method: str, code: str, seconds: float) -> None:
        """Write the line of a call: at debug level, since metrics count calls and failures have lines of their own."""
        if self._writes_calls:
            self._log.debug("call", method=method, code=code, ms=round(seconds * 1_000, 3))


def checked(received: Received) -> Message:
    """Return the request if it is well-formed and keeps the rules of its proto.

    Raises:
        RequestMalformed: The bytes are not that message.
        DomainError: A rule is broken, or a field holds a card number.
    """
    request, serialized = received
    if request is None:
        raise RequestMalformed("the request's bytes are not the message that this method takes")
    refusal = validation.validate_received(request, serialized)
    if refusal is not None:
        raise refusal
    return request


def trailers_of_failure(call: CallContext | None) -> list[tuple[str, str | bytes]]:
    """Return what helps to find a failed call in logs, and what the servicer had to say."""
    return [] if call is None else [*call.trailers, (CORRELATION_KEY, call.cause.correlation_id)]


def _call(metadata: Mapping[str, Any], request_id: str, caller: str, method: str) -> CallContext:
    """Make the call's context of what the caller sent, inventing what it did not send."""
    traceparent, span = tracing.begin_call(metadata.get(TRACE_KEY), method)
    if not request_id:
        request_id = auth.plain_name(metadata.get(REQUEST_KEY)) or telemetry.span_id(traceparent)
    correlation_id = auth.plain_name(metadata.get(CORRELATION_KEY)) or telemetry.trace_id(traceparent)
    cause = Cause(correlation_id, request_id, caller, traceparent)
    return CallContext(caller=caller, cause=cause, request_id=request_id, deadline=None, span=span)


def _code_name(context: Context) -> str:
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else status.code_name(code)
