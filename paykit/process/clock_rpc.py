"""The ClockService of a development stack: one for each process, moving the clocks of all its services.

A service that keeps no tables dates nothing: it has no business time, and no clock here.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from paykit.clock import OffsetClock
from paykit.process import business_clock
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paykit.serve.server import Servicer
from paykit.serve.timestamps import to_timestamp
from paystream.clock.v1 import clock_pb2 as pb
from paystream.clock.v1 import clock_pb2_grpc


def _to_duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


_ADVANCE = Operation(name="AdvanceClock", command=business_clock.advance, reply=_to_duration, reply_type=Duration)


class ClockServicer(clock_pb2_grpc.ClockServiceServicer):
    """Serves paystream.clock.v1.ClockService; the contract stands in its proto."""

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        dating = [runtime for runtime in runtimes if runtime.service.keeps_tables]
        self._runtimes = sorted(dating, key=lambda runtime: runtime.service.name)

    async def GetClock(self, _request: pb.GetClockRequest, _context: Any) -> pb.GetClockResponse:
        """Read the clocks as this process follows them."""
        return pb.GetClockResponse(clocks=[_to_clock(runtime, _offset(runtime)) for runtime in self._runtimes])

    async def AdvanceClock(self, request: pb.AdvanceClockRequest, _context: Any) -> pb.AdvanceClockResponse:
        """Move each clock, once per request_id."""
        step = request.advance_by.ToTimedelta()
        return pb.AdvanceClockResponse(clocks=[await _advance(runtime, request, step) for runtime in self._runtimes])


def servicer(runtimes: Sequence[Runtime]) -> Servicer:
    """The ClockService of a process that runs these services."""
    return Servicer(
        full_name="paystream.clock.v1.ClockService",
        add=clock_pb2_grpc.add_ClockServiceServicer_to_server,
        implementation=ClockServicer(runtimes),
    )


async def _advance(runtime: Runtime, request: pb.AdvanceClockRequest, step: timedelta) -> pb.ServiceClock:
    offset = await runtime.call(_ADVANCE, request, step)
    await runtime.business_clock.refresh()
    runtime.wake(business_clock.MOVED)
    return _to_clock(runtime, offset.ToTimedelta())


def _offset(runtime: Runtime) -> timedelta:
    return runtime.clock.offset if isinstance(runtime.clock, OffsetClock) else timedelta(0)


def _to_clock(runtime: Runtime, offset: timedelta) -> pb.ServiceClock:
    return pb.ServiceClock(
        service=runtime.service.name,
        offset=_to_duration(offset),
        business_time=to_timestamp(runtime.clock.now()),
    )
