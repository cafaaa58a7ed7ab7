"""Structured logs: JSON lines for machines, coloured lines on a terminal; never the contents of messages.

Every line carries the ids of the call or event in progress, taken when a line is written, so that a call which writes
none pays nothing.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

from paykit.base import telemetry
from paykit.base.call import call_or_none


def configure(
    *, service: str, level: str = "info", output: Literal["auto", "json", "console"] = "auto", stream: Any = None
) -> None:
    """Route the logs of this process, those of the standard library included, to `stream`, or else standard error.

    Args:
        service: The service's name, on every line.
        level: The least level that is written; libraries other than paystream's own start at warning.
        output: `json`, `console`, or `auto`: console if the stream is a terminal.
        stream: Where lines go.
    """
    out = stream or sys.stderr
    console = output == "console" or (output == "auto" and out.isatty())
    shared: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        _add_call,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )
    _route_standard_library(shared, service=service, level=level, out=out, console=console)
    structlog.configure(
        processors=[*shared, _add_service(service), *_ending(console=console)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def _route_standard_library(shared: Sequence[Processor], *, service: str, level: str, out: Any, console: bool) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _add_service(service),
                *_ending(console=console),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("paykit").setLevel(level.upper())
    logging.getLogger("services").setLevel(level.upper())


def _ending(*, console: bool) -> list[Processor]:
    """Write the line. Tracebacks never show local variables: those hold messages."""
    if console:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _add_service(service: str) -> Processor:
    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return add


def _add_call(_logger: Any, _method: str, event: EventDict) -> EventDict:
    call = call_or_none()
    if call is not None:
        event["request_id"] = call.request_id
        event["correlation_id"] = call.cause.correlation_id
        event["caller"] = call.caller
        if call.cause.traceparent is not None:
            event["trace_id"] = telemetry.trace_id(call.cause.traceparent)
    return event
