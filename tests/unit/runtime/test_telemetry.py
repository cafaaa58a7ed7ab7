import re

import pytest

from paykit.base import telemetry

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
