"""The fake that other teams test their clients against answers as paystream's services do."""

import uuid

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, Kind
from paykit.testing.fake_server import fake_server
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc

CREATE = "paystream.payment.v1.PaymentService/CreatePayment"
GET = "paystream.payment.v1.PaymentService/GetPayment"


class MerchantSuspended(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_SUSPENDED"


def _request(*, amount_minor: int = 1234, note: str = "winter") -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(
        request_id=str(uuid.uuid4()),
        merchant_id="mer_" + "0a" * 16,
        merchant_reference="order 42",
        amount=money_pb2.Money(amount_minor=amount_minor, currency_code="USD"),
        payment_method=pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_CARD, token="tok_1"),
        metadata={"note": note},
    )


def _create(address: str, request: pb.CreatePaymentRequest) -> pb.CreatePaymentResponse:
    with grpc.insecure_channel(address) as channel:
        return payment_pb2_grpc.PaymentServiceStub(channel).CreatePayment(request, timeout=10)


def _reason(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return error.code(), info.reason


def test_a_canned_reply_arrives_and_the_request_is_kept() -> None:
    canned = pb.CreatePaymentResponse(payment=pb.Payment(payment_id="pay_1"))
    with fake_server({CREATE: canned}) as fake:
        assert _create(fake.address, _request()) == canned
        assert [request.amount.amount_minor for request in fake.requests[CREATE]] == [1234]


async def test_an_asynchronous_client_is_served_as_well() -> None:
    with fake_server({CREATE: pb.CreatePaymentResponse(payment=pb.Payment(payment_id="pay_1"))}) as fake:
        async with grpc.aio.insecure_channel(fake.address) as channel:
            stub = payment_pb2_grpc.PaymentServiceStub(channel)
            reply = await stub.CreatePayment(_request(), timeout=10)
    assert reply.payment.payment_id == "pay_1"


def test_an_answer_can_depend_on_the_request() -> None:
    def answer(request: pb.CreatePaymentRequest) -> pb.CreatePaymentResponse | DomainError:
        if request.amount.amount_minor > 1000:
            return MerchantSuspended("the merchant is suspended")
        return pb.CreatePaymentResponse(payment=pb.Payment(merchant_id=request.merchant_id))

    with fake_server({CREATE: answer}) as fake:
        assert _create(fake.address, _request(amount_minor=1000)).payment.merchant_id == "mer_" + "0a" * 16
        with pytest.raises(grpc.RpcError) as caught:
            _create(fake.address, _request(amount_minor=1001))
    assert _reason(caught.value) == (grpc.StatusCode.FAILED_PRECONDITION, "MERCHANT_SUSPENDED")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [(_request(amount_minor=0), "FIELD_INVALID"), (_request(note="4111 1111 1111 1111"), "CARD_NUMBER_REFUSED")],
)
def test_requests_are_held_to_the_real_rules(request_: pb.CreatePaymentRequest, reason: str) -> None:
    with fake_server({CREATE: pb.CreatePaymentResponse()}) as fake:
        with pytest.raises(grpc.RpcError) as caught:
            _create(fake.address, request_)
        assert fake.requests[CREATE] == []
    assert _reason(caught.value) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


def test_an_outage_can_be_played() -> None:
    with fake_server({CREATE: UnavailableError("down")}) as fake, pytest.raises(grpc.RpcError) as caught:
        _create(fake.address, _request())
    assert _reason(caught.value) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")


def test_a_method_without_an_answer_is_unimplemented() -> None:
    answers = {GET: pb.GetPaymentResponse()}
    with fake_server(answers) as fake, pytest.raises(grpc.RpcError) as caught:
        _create(fake.address, _request())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_an_answer_of_another_method_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="answers paystream.payment.v1.CreatePaymentResponse, not"):  # noqa: RUF043
        fake_server({CREATE: pb.GetPaymentResponse()}).__enter__()


@pytest.mark.parametrize("name", ["paystream.payment.v1.PaymentService/Pay", "paystream.nothing.v1.NoService/Pay"])
def test_a_misspelt_method_is_refused_at_once(name: str) -> None:
    with pytest.raises(LookupError, match="there is no"):
        fake_server({name: pb.CreatePaymentResponse()}).__enter__()
