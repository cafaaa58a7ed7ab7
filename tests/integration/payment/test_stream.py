"""Payments in a stream: each for itself, answered once durable, and nothing answered is ever lost."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from paykit.serve import server as grpc_server
from paykit.serve.server import ServerOptions
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.rpc.payment import STREAM_ITEMS_MAX
from services.payment.service import SERVICE
from tests.integration.payment.conftest import ANY, House
from tests.line.replies import interceptors

METHOD = "/paystream.payment.v1.PaymentService/StreamCreatePayments"


async def sent(requests: Iterable[pb.CreatePaymentRequest]) -> AsyncIterator[pb.StreamCreatePaymentsRequest]:
    for request in requests:
        yield pb.StreamCreatePaymentsRequest(request=request)


async def stream(house: House, *requests: pb.CreatePaymentRequest) -> list[pb.StreamCreatePaymentsResponse]:
    return [answer async for answer in house.call.StreamCreatePayments(sent(requests), ANY)]


def reason(error: status_pb2.Status) -> tuple[str, list[str]]:
    """Give the reason of an error, and the fields it names."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for packed in error.details:
        packed.Unpack(info) or packed.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


@asynccontextmanager
async def served(house: House, directory: Path) -> AsyncIterator[Any]:
    """The service behind a real server, whose flow control holds callers up."""
    address = f"unix:{directory}/streams.sock"
    server = await grpc_server.start(SERVICE.servicers(house.runtime), ServerOptions(address=address))
    async with grpc.aio.insecure_channel(address, interceptors=interceptors()) as channel:
        yield payment_pb2_grpc.PaymentServiceStub(channel)
    await server.stop(1.0)


async def test_every_item_is_answered_in_order_with_its_request_id(house: House) -> None:
    requests = [house.request() for _ in range(5)]

    answers = await stream(house, *requests)

    assert [answer.request_id for answer in answers] == [request.request_id for request in requests]
    assert [answer.position for answer in answers] == [0, 1, 2, 3, 4]
    for answer, request in zip(answers, requests, strict=True):
        assert answer.payment.merchant_reference == request.merchant_reference
        assert await house.told_types(answer.payment.payment_id) == ["PaymentCreated"]
    assert await house.count("attempt") == 5


async def test_an_item_in_error_is_its_own_result_and_leaves_the_others_alone(house: House) -> None:
    taken = await house.create(merchant_reference="order-1")
    again = house.request()
    requests = [
        house.request(merchant_reference="order-1"),
        house.request(request_id="no uuid"),
        house.request(amount=Money(amount_minor=1, currency_code="XXQ")),
        again,
        again,
        house.request(request_id=again.request_id),
        pb.CreatePaymentRequest(),
        house.request(),
    ]

    answers = await stream(house, *requests)

    kinds = [answer.WhichOneof("result") for answer in answers]
    assert kinds == ["error", "error", "error", "payment", "payment", "error", "error", "payment"]
    assert reason(answers[0].error)[0] == "MERCHANT_REFERENCE_TAKEN"
    assert reason(answers[1].error) == ("FIELD_INVALID", ["request.request_id"])
    assert reason(answers[2].error) == ("CURRENCY_UNKNOWN", ["request.amount.currency_code"])
    assert answers[3].payment == answers[4].payment
    assert reason(answers[5].error)[0] == "REQUEST_ID_REUSED"
    assert reason(answers[6].error)[0] == "FIELD_INVALID"
    assert taken.payment_id not in {answer.payment.payment_id for answer in answers}
    assert await house.count("payment") == 3


async def test_a_request_id_means_the_same_alone_in_a_batch_and_in_a_stream(house: House) -> None:
    alone, batched, streamed = (house.request() for _ in range(3))
    first = (await house.call.CreatePayment(alone, ANY)).payment
    second = (await house.create_batch(batched))[0].payment
    third = (await stream(house, streamed))[0].payment

    answers = await stream(house, alone, batched)

    assert [answer.payment for answer in answers] == [first, second]
    assert (await house.call.CreatePayment(streamed, ANY)).payment == third
    assert await house.count("payment") == 3


async def test_what_waits_goes_together_into_few_transactions(house: House) -> None:
    answers = await stream(house, *(house.request() for _ in range(2 * STREAM_ITEMS_MAX)))

    assert all(answer.HasField("payment") for answer in answers)
    rows = await house.runtime.read(lambda tx: tx.fetch("SELECT count(DISTINCT xmin::text) FROM payment"))
    assert rows[0][0] <= 5


async def test_closing_the_sending_side_ends_the_call_once_all_is_answered(house: House, tmp_path: Path) -> None:
    async with served(house, tmp_path) as stub:
        call = stub.StreamCreatePayments(sent(house.request() for _ in range(300)), timeout=20)
        answers = [answer async for answer in call]

    assert len(answers) == await house.count("payment") == 300
    assert await call.code() is grpc.StatusCode.OK


async def test_a_caller_may_wait_for_each_answer_before_it_sends_the_next(house: House, tmp_path: Path) -> None:
    async with served(house, tmp_path) as stub:
        call = stub.StreamCreatePayments(timeout=20)
        for position in range(3):
            request = house.request()
            await call.write(pb.StreamCreatePaymentsRequest(request=request))
            answer = await call.read()
            assert (answer.request_id, answer.position) == (request.request_id, position)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_a_cancelled_stream_keeps_what_it_answered_and_the_rest_may_be_sent_again(
    house: House, tmp_path: Path
) -> None:
    requests = [house.request() for _ in range(400)]
    async with served(house, tmp_path) as stub:
        call = stub.StreamCreatePayments(sent(requests), timeout=20)
        answered = [await call.read() for _ in range(20)]
        call.cancel()
        for answer in answered:
            assert (await house.get(answer.payment.payment_id)).payment_id == answer.payment.payment_id

        again = [answer async for answer in stub.StreamCreatePayments(sent(requests), timeout=20)]

    assert again[:20] == answered
    assert len({answer.payment.payment_id for answer in again}) == await house.count("payment") == 400


async def test_bytes_that_are_no_message_end_the_stream_after_the_results_before_them(
    house: House, tmp_path: Path
) -> None:
    good = pb.StreamCreatePaymentsRequest(request=house.request()).SerializeToString()
    async with (
        served(house, tmp_path),
        grpc.aio.insecure_channel(f"unix:{tmp_path}/streams.sock", interceptors=interceptors()) as channel,
    ):
        method: Any = channel.stream_stream(METHOD)
        call = method(iter([good, b"\xff\xff"]), timeout=20)
        answers: list[bytes] = []
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await collect(call, answers)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(answers) == await house.count("payment") == 1


async def collect(call: Any, answers: list[bytes]) -> None:
    async for answer in call:
        answers += [answer]


async def test_two_streams_with_the_same_items_make_each_once(house: House) -> None:
    requests = [house.request(request_id=str(uuid.uuid4())) for _ in range(50)]

    first, second = await asyncio.gather(stream(house, *requests), stream(house, *requests))

    assert first == second
    assert await house.count("payment") == 50
