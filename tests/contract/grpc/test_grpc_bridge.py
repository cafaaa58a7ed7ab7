"""Servicers and calling commands over grpcio-testing's channel: no sockets, the real edge."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import structlog
import typer

from paykit.base.call import current_call
from paykit.errors import DomainError, Kind
from paykit.serve.server import Servicer
from paykit.testing.grpc_bridge import bridged_channel
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from paytools.cli.commands import call

PAYMENT_ID = "pay_" + "0a" * 16


@pytest.fixture(autouse=True)
def _no_log_lines_among_the_output() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


class PaymentUnknown(DomainError):
    kind = Kind.NOT_FOUND
    reason = "PAYMENT_NOT_FOUND"


class Payments(payment_pb2_grpc.PaymentServiceServicer):
    async def GetPayment(  # noqa: N802  The name is the proto's.
        self, request: pb.GetPaymentRequest, _context: Any
    ) -> pb.GetPaymentResponse:
        if request.payment_id != PAYMENT_ID:
            raise PaymentUnknown("no such payment", field="payment_id")
        return pb.GetPaymentResponse(payment=pb.Payment(payment_id=request.payment_id, order_id=current_call().caller))


SERVICER = Servicer(
    "paystream.payment.v1.PaymentService",
    payment_pb2_grpc.add_PaymentServiceServicer_to_server,
    Payments(),  # type: ignore[abstract]
)


def test_an_asynchronous_servicer_answers_a_blocking_stub() -> None:
    with bridged_channel([SERVICER]) as channel:
        request = pb.GetPaymentRequest(payment_id=PAYMENT_ID)
        reply = payment_pb2_grpc.PaymentServiceStub(channel).GetPayment(request, metadata=(("paystream-caller", "me"),))
    assert reply == pb.GetPaymentResponse(payment=pb.Payment(payment_id=PAYMENT_ID, order_id="me"))


def test_a_refusal_is_the_status_that_a_server_sends() -> None:
    with bridged_channel([SERVICER]) as channel, pytest.raises(grpc.RpcError) as caught:
        payment_pb2_grpc.PaymentServiceStub(channel).GetPayment(pb.GetPaymentRequest(payment_id="pay_" + "0b" * 16))
    assert call.refusal_lines(caught.value)[:2] == [
        "error: NOT_FOUND PAYMENT_NOT_FOUND: no such payment",
        "  payment_id: no such payment",
    ]


def test_rules_are_enforced() -> None:
    with bridged_channel([SERVICER]) as channel, pytest.raises(grpc.RpcError) as caught:
        payment_pb2_grpc.PaymentServiceStub(channel).GetPayment(pb.GetPaymentRequest(payment_id="42"))
    assert call.refusal_lines(caught.value)[0].startswith("error: INVALID_ARGUMENT FIELD_INVALID: payment_id: ")


def test_the_call_command_prints_a_reply(capsys: pytest.CaptureFixture[str]) -> None:
    with bridged_channel([SERVICER]) as channel:
        data = f'{{"payment_id": "{PAYMENT_ID}"}}'
        call.run(channel, "payment/GetPayment", data=data, headers=["paystream-caller: me"], timeout_s=5)
    assert capsys.readouterr().out.splitlines() == [
        "{",
        '  "payment": {',
        f'    "payment_id": "{PAYMENT_ID}",',
        '    "order_id": "me"',
        "  }",
        "}",
    ]


def test_the_call_command_fails_on_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    data = f'{{"payment_id": "pay_{"0b" * 16}"}}'
    with bridged_channel([SERVICER]) as channel, pytest.raises(typer.Exit) as caught:
        call.run(channel, "payment/GetPayment", data=data, headers=["x-correlation-id: j"], timeout_s=5)
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: NOT_FOUND PAYMENT_NOT_FOUND: no such payment",
        "  payment_id: no such payment",
        "  correlation id j",
    ]
