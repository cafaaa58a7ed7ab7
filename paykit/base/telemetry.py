"""W3C trace context: read from callers and events, passed on to events and calls.

Source: https://www.w3.org/TR/trace-context/. The ids join logs, events and other systems' traces; spans are in
`tracing`.
"""

import os
import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_TRACE_BYTES = 16
_SPAN_BYTES = 8
_UNSAMPLED, _SAMPLED = "00", "01"
_ODD = frozenset("13579bdf")


def continue_trace(received: str | None, *, sampled: bool = False) -> str:
    """Return the traceparent of new work: in the trace received, or in a new one if that is absent or malformed.

    Args:
        received: Whether its trace is sampled was decided where it began.
        sampled: Whether a new one is.
    """
    if received is None or not is_traceparent(received):
        drawn = os.urandom(_TRACE_BYTES + _SPAN_BYTES).hex()
        return f"00-{drawn[: 2 * _TRACE_BYTES]}-{drawn[2 * _TRACE_BYTES :]}-{_SAMPLED if sampled else _UNSAMPLED}"
    return f"00-{received[3:35]}-{os.urandom(_SPAN_BYTES).hex()}-{received[53:]}"


def is_traceparent(text: str) -> bool:
    """Return whether a text is trace context as the specification has it, and so safe to pass on and to store."""
    return _TRACEPARENT.fullmatch(text) is not None


def is_sampled(traceparent: str) -> bool:
    """Return whether spans of this trace are recorded."""
    return traceparent[54] in _ODD


def trace_id(traceparent: str) -> str:
    """Return the 32 hexadecimal digits that all work of a trace shares."""
    return traceparent[3:35]


def span_id(traceparent: str) -> str:
    """Return the 16 hexadecimal digits of this piece of work."""
    return traceparent[36:52]
