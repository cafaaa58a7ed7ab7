"""What the gateway answers itself, what it lets through, and who may call it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from paykit.testing.fake_server import fake_server
from paystream.analytics.v1 import analytics_pb2
from paystream.order.v1 import order_pb2, order_pb2_grpc
from paystream.payment.v1 import payment_pb2, payment_pb2_grpc
from paytools.gateway import refusals
from paytools.gateway.configuration import BODY_BYTES_MAX, HEALTH_PATH
from tests.line.gateway import gateway

GET = "paystream.payment.v1.PaymentService/GetPayment"
LIST = "paystream.payment.v1.PaymentService/ListPayments"
CREATE = "paystream.payment.v1.PaymentService/CreatePayment"
STREAM = "paystream.analytics.v1.AnalyticsOperationsService/StreamMetrics"
PAYMENT, MERCHANT = "pay_0192f5d0c0de70008000000000000002", "mer_0192f5d0c0de70008000000000000001"
NOBODY = "127.0.0.1:1"
TIMEOUT_S = 20.0
SLOW_S = 1.0
FOUND = payment_pb2.GetPaymentResponse(payment=payment_pb2.Payment(payment_id=PAYMENT))
METRICS = [analytics_pb2.StreamMetricsResponse(), analytics_pb2.StreamMetricsResponse(rows=[analytics_pb2.MetricRow()])]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway before payment, which is a fake, and order, where nobody listens."""

    http: httpx.Client
    address: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    answers: Any = {GET: slowly, LIST: payment_pb2.ListPaymentsResponse(), CREATE: payment_pb2.CreatePaymentResponse()}
    with ExitStack() as stack:
        fake = stack.enter_context(fake_server({**answers, STREAM: METRICS}))
        services = {"payment": fake.address, "analytics": fake.address, "order": NOBODY}
        url = stack.enter_context(gateway(tmp_path_factory.mktemp("gateway"), services))
        yield Gateway(stack.enter_context(httpx.Client(base_url=url, timeout=TIMEOUT_S)), url.partition("//")[2])


def slowly(request: payment_pb2.GetPaymentRequest) -> payment_pb2.GetPaymentResponse:
    """Answer a payment late if it is asked to wait."""
    if request.HasField("wait_for"):
        time.sleep(SLOW_S)
    return FOUND


def reason(response: httpx.Response) -> tuple[int, int, str]:
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    [info] = [each for each in body["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
    assert info["domain"] == "paystream"
    return response.status_code, body["code"], info["reason"]


NOT_FOUND = (404, 5, "HTTP_PATH_UNKNOWN")
INVALID = (400, 3, "HTTP_REQUEST_INVALID")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/payments"),
        ("GET", "/v1/settlements/stl_1"),  # A service that the gateway does not lead to.
        ("POST", f"/{LIST}"),
    ],
)
def test_what_is_no_call_is_not_found(running: Gateway, verb: str, path: str) -> None:
    content: Any = {"json": {}} if verb == "POST" else {}
    assert reason(running.http.request(verb, path, **content)) == NOT_FOUND


def test_a_misspelt_filter_is_refused_and_not_left_out(running: Gateway) -> None:
    refused = running.http.get("/v1/payments", params={"merchnt_id": MERCHANT})
    assert reason(refused) == INVALID
    assert "merchnt_id" in refused.json()["message"]


@pytest.mark.parametrize("name", ["merchant_id", "merchantId"])
def test_names_are_taken_in_both_forms(running: Gateway, name: str) -> None:
    assert running.http.get("/v1/payments", params={name: MERCHANT}).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"amount": {"amount_minor": "x"}}', b'{"amount": 7}'])
def test_a_body_that_is_no_such_request_is_refused(running: Gateway, body: bytes) -> None:
    assert reason(running.http.post("/v1/payments", content=body)) == INVALID


def test_a_path_and_a_body_that_differ_are_refused(running: Gateway) -> None:
    other = {"payment_id": "pay_0192f5d0c0de70008000000000000003"}
    assert reason(running.http.post(f"/v1/payments/{PAYMENT}:capture", json=other)) == INVALID


def test_a_body_that_is_too_large_is_refused(running: Gateway) -> None:
    response = running.http.post("/v1/payments", json={"metadata": {"a": "x" * (BODY_BYTES_MAX + 1)}})
    assert response.status_code in (413, 429)
    assert response.json()["code"] == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


def test_a_service_that_is_away_is_unavailable(running: Gateway) -> None:
    response = running.http.get("/v1/orders/ord_0192f5d0c0de70008000000000000002")
    assert reason(response) == (503, 14, "HTTP_SERVICE_UNAVAILABLE")


def test_a_callers_deadline_holds(running: Gateway) -> None:
    call = {"url": f"/v1/payments/{PAYMENT}", "params": {"wait_for": "1s"}}
    late = running.http.get(**call, headers={"grpc-timeout": "100m"})  # type: ignore[arg-type]
    assert (late.status_code, late.json()["code"]) == (504, 4)
    assert running.http.get(**call).json()["payment"]["paymentId"] == PAYMENT  # type: ignore[arg-type]


def test_a_stream_is_a_line_for_each_message(running: Gateway) -> None:
    response = running.http.get("/operations/v1/metrics:stream")
    assert response.text == '{}\n{"rows":[{}]}\n'


def test_grpc_goes_through(running: Gateway) -> None:
    with grpc.insecure_channel(running.address) as channel:
        payments = payment_pb2_grpc.PaymentServiceStub(channel)
        assert payments.GetPayment(payment_pb2.GetPaymentRequest(payment_id=PAYMENT), timeout=TIMEOUT_S) == FOUND
        orders = order_pb2_grpc.OrderServiceStub(channel)
        wanted = order_pb2.GetOrderRequest(order_id="ord_0192f5d0c0de70008000000000000002")
        with pytest.raises(grpc.RpcError) as away:
            orders.GetOrder(wanted, timeout=TIMEOUT_S)
    assert away.value.code() == grpc.StatusCode.UNAVAILABLE


def test_grpc_to_a_service_that_is_none_is_unimplemented(running: Gateway) -> None:
    with grpc.insecure_channel(running.address) as channel:
        call: Any = channel.unary_unary("/paystream.nothing.v1.NothingService/Get")
        with pytest.raises(grpc.RpcError) as unknown:
            call(b"", timeout=TIMEOUT_S)
    assert unknown.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_grpc_web_goes_through(running: Gateway) -> None:
    message = payment_pb2.GetPaymentRequest(payment_id=PAYMENT).SerializeToString()
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    response = running.http.post(f"/{GET}", content=frame, headers=headers)
    kind, length = response.content[0], int.from_bytes(response.content[1:5], "big")
    assert (response.status_code, kind) == (200, 0)
    assert payment_pb2.GetPaymentResponse.FromString(response.content[5 : 5 + length]) == FOUND
    assert b"grpc-status:0" in response.content[5 + length :].replace(b" ", b"")


def preflight(running: Gateway, origin: str) -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    return running.http.options("/v1/payments", headers=asked)


def test_a_page_of_this_machine_may_call(running: Gateway) -> None:
    allowed = preflight(running, "http://localhost:3000")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    shown = running.http.get(
        "/v1/payments", params={"merchant_id": MERCHANT}, headers={"origin": "http://localhost:3000"}
    )
    assert shown.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example", "https://localhostt"])
def test_no_other_page_may(running: Gateway, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(running, origin).headers


def test_it_says_that_it_serves(running: Gateway) -> None:
    assert running.http.get(HEALTH_PATH).text == "serves\n"


def test_every_status_that_it_answers_with_has_a_reason() -> None:
    assert {each.reason for each in refusals.REFUSALS.values()} >= {
        "HTTP_PATH_UNKNOWN",
        "HTTP_REQUEST_INVALID",
        "HTTP_SERVICE_UNAVAILABLE",
    }
