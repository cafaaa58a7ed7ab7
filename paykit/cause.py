"""Who and what caused a change: carried from the call or event that came in to the events that go out."""

from dataclasses import dataclass


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
