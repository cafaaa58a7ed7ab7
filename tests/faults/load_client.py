"""A process that asks for payments at a steady rate, whatever becomes of them: a module whose stdin is a step as JSON.

A closed loop would wait for a slow server and so never overload it. Here a call starts when its time has come, or as
soon as the client has time for it, which is told as well.
"""

import asyncio
import json
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import grpc
import uvloop
from google.rpc import error_details_pb2, status_pb2

from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2

METHOD = "/paystream.payment.v1.PaymentService/CreatePayment"
CONNECTIONS = 4
TICK_S = 0.005
"""How often calls that are due are started."""
METADATA_TEXT = "what is bought, by whom and for which of its shops, " * 2
STATUS_TRAILER = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load.

    Attributes:
        address: Of the API process.
        merchants: Payments are spread over them.
        calls_per_s: How many calls start in each second; 0 makes it a closed loop of `in_flight` calls.
        in_flight: In a closed loop, the calls at the same time.
        seconds: How long calls are started.
        deadline_s: Of each call.
        metadata: Entries of each payment: what makes a call dearer for the server, and hardly for the client.
    """

    address: str
    merchants: list[str]
    calls_per_s: float
    in_flight: int
    seconds: float
    deadline_s: float
    metadata: int = 0


@dataclass(slots=True)
class Tally:
    """What became of the calls.

    Attributes:
        started: Calls.
        seconds: From the first one's start to the last one's.
        accepted_ms: Latency of each call that was acknowledged.
        accepted: The payments' ids.
        refused: By status code, the calls that were not.
        refused_ms: Latency of each of these.
        late_ms: How much later than its time each call was started.
        without_retry_info: Calls refused with RESOURCE_EXHAUSTED that do not say when to ask again.
    """

    started: int = 0
    seconds: float = 0.0
    accepted_ms: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    refused_ms: list[float] = field(default_factory=list)
    without_retry_info: int = 0
    late_ms: list[float] = field(default_factory=list)

    def take(self, error: grpc.aio.AioRpcError, ms: float) -> None:
        """Count a call that was not acknowledged."""
        code = error.code()
        self.refused[code.name] = self.refused.get(code.name, 0) + 1
        self.refused_ms.append(ms)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            self.without_retry_info += not _says_when(error)


async def run(step: Step) -> Tally:
    """Carry out a step."""
    tally = Tally()
    channels = [
        grpc.aio.insecure_channel(step.address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CONNECTIONS)
    ]
    methods: list[Any] = [channel.unary_unary(METHOD) for channel in channels]
    began = time.perf_counter()
    if step.calls_per_s:
        await _open_loop(step, tally, methods)
    else:
        await _closed_loop(step, tally, methods)
    tally.seconds = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    return tally


async def _open_loop(step: Step, tally: Tally, methods: list[Any]) -> None:
    began = time.perf_counter()
    calls: set[asyncio.Task[None]] = set()
    while (elapsed := time.perf_counter() - began) < step.seconds:
        for number in range(tally.started, int(elapsed * step.calls_per_s)):
            task = asyncio.create_task(_call(step, tally, methods, number, began + number / step.calls_per_s))
            calls.add(task)
            task.add_done_callback(calls.discard)
            tally.started += 1
        await asyncio.sleep(TICK_S)
    await asyncio.gather(*calls)


async def _closed_loop(step: Step, tally: Tally, methods: list[Any]) -> None:
    end = time.perf_counter() + step.seconds

    async def keep_calling() -> None:
        while (now := time.perf_counter()) < end:
            tally.started += 1
            await _call(step, tally, methods, tally.started, now)

    await asyncio.gather(*(keep_calling() for _ in range(step.in_flight)))


async def _call(step: Step, tally: Tally, methods: list[Any], number: int, due: float) -> None:
    request = payment_pb2.CreatePaymentRequest(
        request_id=str(uuid.uuid4()),
        merchant_id=step.merchants[number % len(step.merchants)],
        merchant_reference=f"load-{uuid.uuid4().hex}",
        amount=Money(amount_minor=1_000, currency_code="USD"),
        payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_load"),
        metadata={f"entry_{entry}": METADATA_TEXT for entry in range(step.metadata)},
    )
    started = time.perf_counter()
    tally.late_ms.append((started - due) * 1_000)
    try:
        reply = await methods[number % len(methods)](request.SerializeToString(), timeout=step.deadline_s)
    except grpc.aio.AioRpcError as error:
        tally.take(error, (time.perf_counter() - started) * 1_000)
        return
    tally.accepted_ms.append((time.perf_counter() - started) * 1_000)
    tally.accepted.append(payment_pb2.CreatePaymentResponse.FromString(reply).payment.payment_id)


def _says_when(error: grpc.aio.AioRpcError) -> bool:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_TRAILER:
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in details)
    return False


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        made = runner.run(run(Step(**json.load(sys.stdin))))
    json.dump({name: getattr(made, name) for name in Tally.__slots__}, sys.stdout)
