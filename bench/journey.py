"""Row (d): from the call of CreatePayment until its TransactionCreated is consumed, and until its outcome, at low load.

All four services run as processes of their own; the simulated acquirer answers without delay of its own. Between call
and event lie the API's commit, the queue of attempts, the acquirer, the outbox, Kafka, the ledger's commit, its outbox
and Kafka again. Who waits for the outcome (`wait_for`) has the commit, the queue, the acquirer, the commit of what
it said and the look that this wakes before the answer.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

import confluent_kafka
import grpc

from bench import children
from bench.figures import percentile
from bench.ground import Ground, Plot, plot
from bench.load import payment_request
from paystream.accounting.v1.events import TransactionCreated
from paystream.merchant.v1 import merchant_pb2, merchant_pb2_grpc
from paystream.payment.v1 import payment_pb2, payment_pb2_grpc

CALLS_PER_S = 10.0
WARM_UP_CALLS = 80
"""Made first and not counted: connections are opened, statements prepared, and the consumers of one process, which join
their group one after the other, have shared the partitions out."""
CALL_TIMEOUT_S = 20.0
EVENT_S_MAX = 60.0
OUTCOME_S_MAX = 15
"""How long a call waits for its outcome."""
POLL_S = 0.1
ASSIGNED_S_MAX = 30.0

_RECORD = TransactionCreated.RECORD.encode()


class Arrivals:
    """Notes when each payment's TransactionCreated comes, in a thread, so that no other work delays the clock."""

    def __init__(self, own: Plot) -> None:
        self._consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": own.ground.endpoints.kafka, "group.id": "bench", "fetch.wait.max.ms": 10}
        )
        topic = f"{own.prefix}accounting.events"
        partitions = self._consumer.list_topics(topic, timeout=ASSIGNED_S_MAX).topics[topic].partitions
        self._consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.at: dict[str, float] = {}
        """time.perf_counter() by payment_id."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    async def wait_for(self, payment_ids: Collection[str]) -> None:
        """Wait until these have come, at most EVENT_S_MAX."""
        give_up = time.monotonic() + EVENT_S_MAX
        while missing := [each for each in payment_ids if each not in self.at]:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(missing)} events did not come within {EVENT_S_MAX:.0f} s")
            await asyncio.sleep(POLL_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(POLL_S)
            now = time.perf_counter()
            if message is not None and message.error() is None and ("ce_type", _RECORD) in (message.headers() or ()):
                self.at.setdefault((message.key() or b"").decode(), now)


async def measure(ground: Ground, *, seconds: float) -> dict[str, float]:
    """Measure the way of CALLS_PER_S payments each second, then the calls of as many that wait; p50 and p99 in ms.

    Raises:
        TimeoutError: An event did not come within EVENT_S_MAX.
    """
    calls = int(CALLS_PER_S * seconds) + WARM_UP_CALLS
    async with plot(ground) as own, _all_services(own) as addresses:
        merchant_id = await create_merchant(addresses["merchant"])
        with Arrivals(own) as arrivals:
            await arrivals.wait_for([await first_payment(addresses["payment"], merchant_id)])
            began = await _ask(addresses["payment"], merchant_id, calls)
            await arrivals.wait_for(began.keys())
        calls_ms = (await _ask_and_wait(addresses["payment"], merchant_id, calls))[WARM_UP_CALLS:]
    waits_ms = [(arrivals.at[each] - at) * 1_000 for each, at in list(began.items())[WARM_UP_CALLS:]]
    return {
        "end_to_end_p50_ms": percentile(waits_ms, 50),
        "end_to_end_p99_ms": percentile(waits_ms, 99),
        "outcome_p50_ms": percentile(calls_ms, 50),
        "outcome_p99_ms": percentile(calls_ms, 99),
    }


@asynccontextmanager
async def _all_services(own: Plot) -> AsyncIterator[dict[str, str]]:
    """Run the four services; give their addresses."""
    channel = children.free_address()
    addresses = {}
    async with AsyncExitStack() as running:
        for name in ("channel", "merchant", "payment", "accounting"):
            more = {"grpc_address": channel} if name == "channel" else {"channel_address": channel}
            addresses[name] = await running.enter_async_context(children.service(own, name, **more))
        yield addresses


async def create_merchant(address: str) -> str:
    """Create and activate a merchant; payment hears of it by its events."""
    rule = merchant_pb2.FeeRule(currency_code="USD", basis_points=290, fixed_minor=30)
    request = merchant_pb2.CreateMerchantRequest(
        request_id=str(uuid.uuid4()),
        display_name="Bench",
        contact_email="bench@example.com",
        fee_plan=merchant_pb2.FeePlan(fees=[rule]),
    )
    async with grpc.aio.insecure_channel(address) as channel:
        stub = merchant_pb2_grpc.MerchantOperationsServiceStub(channel)
        made = (await stub.CreateMerchant(request, timeout=CALL_TIMEOUT_S)).merchant
        activate = merchant_pb2.ActivateMerchantRequest(
            request_id=str(uuid.uuid4()), merchant_id=made.merchant_id, etag=made.etag
        )
        await stub.ActivateMerchant(activate, timeout=CALL_TIMEOUT_S)
    return str(made.merchant_id)


async def _ask(address: str, merchant_id: str, calls: int) -> dict[str, float]:
    """Call at even times, whether or not earlier calls have ended; give each one's begin by payment_id, in order."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = payment_pb2_grpc.PaymentServiceStub(channel)
        start = time.perf_counter()

        async def one(number: int) -> tuple[str, float]:
            await asyncio.sleep(start + number / CALLS_PER_S - time.perf_counter())
            began = time.perf_counter()
            reply = await stub.CreatePayment(payment_request(merchant_id, number), timeout=CALL_TIMEOUT_S)
            return reply.payment.payment_id, began

        return dict(await asyncio.gather(*map(one, range(calls))))


async def _ask_and_wait(address: str, merchant_id: str, calls: int) -> list[float]:
    """Call at even times and wait for each outcome; give how long each call took in ms, in order.

    Raises:
        RuntimeError: A call was answered without its outcome.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        stub = payment_pb2_grpc.PaymentServiceStub(channel)
        start = time.perf_counter()

        async def one(number: int) -> float:
            request = payment_request(merchant_id, number)
            request.wait_for.FromSeconds(OUTCOME_S_MAX)
            await asyncio.sleep(start + number / CALLS_PER_S - time.perf_counter())
            began = time.perf_counter()
            reply = await stub.CreatePayment(request, timeout=CALL_TIMEOUT_S)
            if reply.payment.state != payment_pb2.PAYMENT_STATE_SUCCEEDED:
                raise RuntimeError(f"{reply.payment.payment_id} has no outcome")
            return (time.perf_counter() - began) * 1_000

        return await asyncio.gather(*map(one, range(calls)))


async def first_payment(address: str, merchant_id: str) -> str:
    """Pay until payment takes the merchant for active; that payment is not counted."""
    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(ASSIGNED_S_MAX):
        stub = payment_pb2_grpc.PaymentServiceStub(channel)
        while True:
            try:
                reply = await stub.CreatePayment(payment_request(merchant_id, 0), timeout=CALL_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise
                await asyncio.sleep(POLL_S)
            else:
                return str(reply.payment.payment_id)
