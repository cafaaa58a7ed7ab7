import re

import pytest

from paykit.base import telemetry
from paykit.consume.delivery import Record

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
RECEIVED = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_work_goes_on_in_the_trace_received_as_a_span_of_its_own() -> None:
    own = telemetry.continue_trace(RECEIVED)
    assert telemetry.trace_id(own) == TRACE
    assert re.fullmatch(r"[0-9a-f]{16}", telemetry.span_id(own))
    assert telemetry.span_id(own) != "00f067aa0ba902b7"
    assert own.endswith("-01")


@pytest.mark.parametrize(
    "received",
    [
        None,
        "",
        "nonsense",
        RECEIVED.upper(),
        RECEIVED + "-more",
        RECEIVED.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_without_a_usable_trace_a_new_one_begins(received: str | None) -> None:
    own = telemetry.continue_trace(received)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", own)
    assert telemetry.trace_id(own) != TRACE


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", RECEIVED.encode() + b"\x00", b"\x00" * 55, b"0" * 900_000, RECEIVED.upper().encode()]
)
def test_trace_context_that_a_foreign_producer_made_up_does_not_travel(content: bytes) -> None:
    assert _record(content).traceparent is None


def test_trace_context_travels_with_its_event() -> None:
    assert _record(RECEIVED.encode()).traceparent == RECEIVED


def _record(traceparent: bytes) -> Record:
    headers = [("traceparent", traceparent)]
    return Record(topic="payment.events", partition=0, offset=0, key="pay_1", value=b"", headers=headers)
