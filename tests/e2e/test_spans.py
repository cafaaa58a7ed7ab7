"""The spans of one journey, from the call to the ledger, as a tracing back end gets them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from paykit.base import tracing
from paystream.payment.v1 import payment_pb2
from tests.e2e.conftest import Line
from tests.line.clients import call, first_payment, new_merchant, payment_request
from tests.line.draining import drained
from tests.line.spans import SpanSink, collecting
from tests.line.waiting import until


@pytest.fixture(scope="module")
async def sink() -> AsyncIterator[SpanSink]:
    async with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def changed_settings(sink: SpanSink) -> dict[str, Any]:
    return {"otlp_endpoint": sink.endpoint, "trace_sample_ratio": 0.0}


async def test_the_spans_of_a_journey_whose_caller_samples_it_are_found_whole(line: Line, sink: SpanSink) -> None:
    merchant_id = await new_merchant(line.clients, {"USD": (290, 30)})
    await first_payment(line.clients, payment_request(merchant_id, 500))
    trace_id = secrets.token_hex(16)
    traced = [("traceparent", f"00-{trace_id}-{'b' * 16}-01")]
    made = await line.clients.payment.CreatePayment(payment_request(merchant_id, 1_234), metadata=traced)
    get = payment_pb2.GetPaymentRequest(payment_id=made.payment.payment_id)

    async def succeeded() -> bool:
        return (await call(line.clients.payment.GetPayment, get)).payment.state == payment_pb2.PAYMENT_STATE_SUCCEEDED  # type: ignore[no-any-return]

    await until(succeeded)
    await drained(line.settings, line.kept)
    await asyncio.to_thread(tracing.flush)

    names = {each.name.replace(line.settings.topic_prefix, "") for each in sink.of(trace_id)}
    assert names >= {
        "paystream.payment.v1.PaymentService/CreatePayment",
        "commit CreatePayment",
        "channel.send",
        *(f"send {topic}" for topic in ("payment.events", "accounting.events")),
        *(f"process {service}" for service in ("accounting", "settlement", "analytics", "reconciliation")),
    }
    assert len(list(sink.of(trace_id))) == len(sink.spans), "nothing else was sampled"
