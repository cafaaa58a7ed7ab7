import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from paykit.base import logs
from paykit.base.call import CallContext, enter_call
from paykit.cause import Cause

TOKEN = "tok_1"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("paykit", "services"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def _configured(**options: Any) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(service="payment", stream=stream, **options)
    return stream


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_line_carries_the_ids_of_the_call_in_progress() -> None:
    stream = _configured()

    async def serve() -> None:
        cause = Cause("journey-1", "req-1", "shop", TRACEPARENT)
        enter_call(CallContext(caller="shop", cause=cause, request_id="req-1", deadline=None))
        structlog.get_logger().info("captured", payment_id="pay_1")

    await asyncio.create_task(serve())
    line = _lines(stream)[0]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "captured",
        "level": "info",
        "service": "payment",
        "payment_id": "pay_1",
        "request_id": "req-1",
        "correlation_id": "journey-1",
        "caller": "shop",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


def test_outside_of_calls_bound_ids_stand_on_the_line() -> None:
    stream = _configured()
    with structlog.contextvars.bound_contextvars(correlation_id="journey-2"):
        structlog.get_logger().warning("parked")
    assert (_lines(stream)[0]["correlation_id"], "request_id" in _lines(stream)[0]) == ("journey-2", False)


def test_lines_below_the_level_are_not_written() -> None:
    stream = _configured(level="warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("services.payment").info("quiet")
    structlog.get_logger().error("loud")
    assert [line["event"] for line in _lines(stream)] == ["loud"]


def test_the_standard_library_writes_the_same_lines() -> None:
    stream = _configured()
    logging.getLogger("paykit.consume").info("hello %s", "world")
    logging.getLogger("asyncpg").warning("careful")
    logging.getLogger("asyncpg").info("chatter")
    assert [(line["event"], line["logger"], line["service"]) for line in _lines(stream)] == [
        ("hello world", "paykit.consume", "payment"),
        ("careful", "asyncpg", "payment"),
    ]


@pytest.mark.parametrize("output", ["json", "console"])
def test_tracebacks_show_no_local_variables(output: str) -> None:
    stream = _configured(output=output)

    def fail(token: str) -> None:
        raise RuntimeError("broken")

    try:
        fail(TOKEN)
    except RuntimeError as error:
        structlog.get_logger().error("call_failed", exc_info=error)
    assert "RuntimeError: broken" in stream.getvalue()
    assert "in fail" in stream.getvalue()
    assert TOKEN not in stream.getvalue()
