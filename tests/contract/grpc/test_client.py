"""paystream-client against paystream's own edge: deadlines, tries and typed errors, for both kinds of callers."""

import time
import uuid
from collections.abc import Awaitable, Callable

import grpc
import pytest

import paystream_client
from paykit.base.errors import UnavailableError
from paykit.testing.fake_server import FakeServer, Result, fake_server
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2
from paystream.payment.v1.payment_pb2_grpc import PaymentServiceStub
from paystream_client.retries import Retries, is_repeatable
from services.payment.domain.payment import PaymentNotFound

SERVICE = "paystream.payment.v1.PaymentService"
CALLBACK = "paystream.payment.v1.ChannelCallbackService/ReportChannelResult"
CREATE, GET, CANCEL = (f"{SERVICE}/{method}" for method in ("CreatePayment", "GetPayment", "CancelPayment"))
PAYMENT = "pay_0192f5d0c0de70008000000000000002"
MADE = payment_pb2.CreatePaymentResponse(payment=payment_pb2.Payment(payment_id=PAYMENT))
QUICK = Retries(delay_s=0.001, delay_s_max=0.002)
"""Without this, the second that paystream's RetryInfo asks for is waited."""
DOWN = UnavailableError("the database is away")

Call = Callable[..., Awaitable[payment_pb2.Payment]]


def creation(**more: str) -> payment_pb2.CreatePaymentRequest:
    return payment_pb2.CreatePaymentRequest(
        request_id=more.get("request_id", str(uuid.uuid4())),
        merchant_id="mer_0192f5d0c0de70008000000000000001",
        merchant_reference="order-1",
        amount=Money(amount_minor=1234, currency_code=more.get("currency_code", "USD")),
        payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_1"),
    )


async def blocking(fake: FakeServer, request: payment_pb2.CreatePaymentRequest, **more: object) -> payment_pb2.Payment:
    with paystream_client.connect(fake.address, retries=QUICK, **more) as channel:  # type: ignore[arg-type]
        return PaymentServiceStub(channel).CreatePayment(request).payment


async def asynchronous(
    fake: FakeServer, request: payment_pb2.CreatePaymentRequest, **more: object
) -> payment_pb2.Payment:
    async with paystream_client.connect_async(fake.address, retries=QUICK, **more) as channel:  # type: ignore[arg-type]
        reply: payment_pb2.CreatePaymentResponse = await PaymentServiceStub(channel).CreatePayment(request)
        return reply.payment


@pytest.fixture(params=[blocking, asynchronous])
def create(request: pytest.FixtureRequest) -> Call:
    call: Call = request.param
    return call


def answering(*results: Result) -> Callable[[object], Result]:
    left = list(results)
    return lambda _: left.pop(0)


async def test_what_is_unavailable_is_tried_again_with_the_same_request_id(create: Call) -> None:
    request = creation()
    with fake_server({CREATE: answering(DOWN, DOWN, MADE)}) as fake:
        assert (await create(fake, request)).payment_id == PAYMENT
        assert fake.requests[CREATE] == [request] * 3


async def test_tries_end_and_the_last_failure_is_told(create: Call) -> None:
    with fake_server({CREATE: answering(*[DOWN] * 6)}) as fake:
        with pytest.raises(paystream_client.UnavailableError) as caught:
            await create(fake, creation())
        assert len(fake.requests[CREATE]) == QUICK.tries_max
    assert (caught.value.reason, caught.value.retry_delay_s) == ("DEPENDENCY_UNAVAILABLE", 1.0)


async def test_nothing_is_tried_again_when_its_time_would_be_over(
    create: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Retries(delay_s=60.0, delay_s_max=60.0)
    monkeypatch.setattr("random.random", lambda: 0.9)
    with fake_server({CREATE: answering(DOWN, MADE)}) as fake:
        with pytest.raises(paystream_client.UnavailableError):
            await create_with(create, fake, patient)
        assert len(fake.requests[CREATE]) == 1


async def create_with(create: Call, fake: FakeServer, retries: Retries) -> None:
    # A pause of 54 s does not fit into half a minute.
    if create is blocking:
        with paystream_client.connect(fake.address, retries=retries, deadline_s=30.0) as channel:
            PaymentServiceStub(channel).CreatePayment(creation())
    else:
        async with paystream_client.connect_async(fake.address, retries=retries, deadline_s=30.0) as channel:
            await PaymentServiceStub(channel).CreatePayment(creation())


async def test_a_refusal_is_typed_and_not_tried_again(create: Call) -> None:
    refusal = PaymentNotFound("no such payment", payment_id=PAYMENT)
    with fake_server({CREATE: answering(refusal, MADE)}) as fake:
        with pytest.raises(paystream_client.NotFoundError) as caught:
            await create(fake, creation())
        assert len(fake.requests[CREATE]) == 1
    error = caught.value
    assert (error.code(), error.reason, dict(error.metadata)) == (
        grpc.StatusCode.NOT_FOUND,
        "PAYMENT_NOT_FOUND",
        {"payment_id": PAYMENT},
    )
    assert str(error) == "NOT_FOUND PAYMENT_NOT_FOUND: no such payment"
    assert error.correlation_id
    assert (error.field_violations, error.retry_delay_s) == ((), None)


async def test_a_broken_rule_names_its_field(create: Call) -> None:
    with fake_server({CREATE: MADE}) as fake, pytest.raises(paystream_client.InvalidArgumentError) as caught:
        await create(fake, creation(currency_code="usd"))
    assert caught.value.reason == "FIELD_INVALID"
    [violation] = caught.value.field_violations
    assert violation.field == "amount.currency_code"
    assert violation.description.startswith("[string.pattern] ")


async def test_a_call_ends_when_its_deadline_is_over(create: Call) -> None:
    def slow(_: object) -> Result:
        time.sleep(1.0)
        return MADE

    with fake_server({CREATE: slow}) as fake, pytest.raises(paystream_client.DeadlineExceededError):
        await create(fake, creation(), deadline_s=0.2)


async def test_where_nothing_answers_the_error_has_no_reason(create: Call, unused_tcp_port: int) -> None:
    with pytest.raises(paystream_client.UnavailableError) as caught:
        await create(FakeServer(address=f"127.0.0.1:{unused_tcp_port}"), creation())
    assert (caught.value.reason, caught.value.retry_delay_s, caught.value.correlation_id) == ("", None, "")


async def test_metadata_is_sent_with_every_try(create: Call) -> None:
    with fake_server({CREATE: answering(DOWN, PaymentNotFound("none"))}) as fake:
        with pytest.raises(paystream_client.NotFoundError) as caught:
            await create(fake, creation(), metadata=[("x-correlation-id", "journey-1")])
        assert len(fake.requests[CREATE]) == 2
    assert caught.value.correlation_id == "journey-1"


def test_a_call_that_may_be_done_twice_is_one_that_reads_or_carries_request_ids() -> None:
    batch = payment_pb2.BatchCreatePaymentsRequest
    assert is_repeatable(f"/{GET}", payment_pb2.GetPaymentRequest())
    overdue = "/paystream.payment.v1.PaymentOperationsService/ListOverdueAttempts"
    assert is_repeatable(overdue, payment_pb2.ListOverdueAttemptsRequest())
    assert not is_repeatable(f"/{CALLBACK}", payment_pb2.ReportChannelResultRequest())
    assert not is_repeatable("/elsewhere.v1.Service/GetIt", payment_pb2.GetPaymentRequest())
    assert is_repeatable(f"/{CREATE}", creation())
    assert is_repeatable(f"/{SERVICE}/BatchCreatePayments", batch(requests=[creation(), creation()]))
    assert not is_repeatable(f"/{CREATE}", payment_pb2.CreatePaymentRequest())
    assert not is_repeatable(f"/{SERVICE}/BatchCreatePayments", batch())
    mixed = batch(requests=[creation(), payment_pb2.CreatePaymentRequest()])
    assert not is_repeatable(f"/{SERVICE}/BatchCreatePayments", mixed)


def test_a_pause_grows_to_its_bound_and_is_never_shorter_than_asked_for() -> None:
    error = paystream_client.UnavailableError(code=grpc.StatusCode.UNAVAILABLE, details="", trailers=[], debug="")
    retries = Retries(tries_max=8, delay_s=1.0, delay_s_max=5.0)
    for tried, longest_s in enumerate((1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0), start=1):
        pause_s = retries.after(error, tried=tried)
        assert pause_s is not None
        assert 0.0 <= pause_s <= longest_s
    assert retries.after(error, tried=8) is None
    error.retry_delay_s = 3.0
    assert (retries.after(error, tried=1) or 0.0) == 3.0
    error.retry_delay_s = 300.0
    assert (retries.after(error, tried=1) or 0.0) == 5.0


def test_every_error_of_grpc_is_read_once() -> None:
    error = paystream_client.NotFoundError(code=grpc.StatusCode.NOT_FOUND, details="", trailers=[], debug="")
    assert paystream_client.to_call_error(error) is error
    assert isinstance(error, grpc.RpcError)
