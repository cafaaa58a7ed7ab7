"""Who and what caused a change: carried from the call or event that came in to the events that go out, and to rows."""

from dataclasses import dataclass

from paystream.quick_init import quick_init


@dataclass(frozen=True, slots=True)
class Cause:
    """The origin of a change.

    Attributes:
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led here, if any.
        actor: The caller who asked, if a caller did.
        traceparent: W3C trace context of the work in progress, if traced.
    """

    correlation_id: str
    causation_id: str | None = None
    actor: str | None = None
    traceparent: str | None = None


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class CreatingCall:
    """The call that a row was created by, kept with it for good: sent again, it finds the row and creates nothing.

    Attributes:
        request_key: A digest of caller, method and request id, unique in its table; None where no call asked for it.
        request_hash: A digest of the request.
    """

    request_key: bytes | None = None
    request_hash: bytes | None = None


NO_CALL = CreatingCall()
"""Of what paystream makes of its own accord."""
