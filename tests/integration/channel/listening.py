"""Whoever the channel calls back: writes down what it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from paystream.payment.v1 import payment_pb2, payment_pb2_grpc
from paystream.withdrawal.v1 import withdrawal_pb2, withdrawal_pb2_grpc


class Listener(payment_pb2_grpc.ChannelCallbackServiceServicer):
    """The receiving end: writes down what it is told, after refusing as often as it is set to."""

    def __init__(self) -> None:
        self.told: list[payment_pb2.ReportChannelResultRequest] = []
        self.journeys: set[str] = set()
        self.disputes: list[payment_pb2.ReportDisputeRequest] = []
        self.payouts: list[withdrawal_pb2.ReportBankResultRequest] = []
        self.refusals = 0
        self.refusal = grpc.StatusCode.UNAVAILABLE

    async def ReportChannelResult(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name is the proto's
        await self.listen(context)
        self.told.append(request)
        return payment_pb2.ReportChannelResultResponse()

    async def ReportDispute(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self.listen(context)
        self.disputes.append(request)
        return payment_pb2.ReportDisputeResponse()

    async def listen(self, context: Any) -> None:
        """Take note of the journey, unless it is to refuse."""
        if self.refusals:
            self.refusals -= 1
            await context.abort(self.refusal, "not now")
        self.journeys.add(dict(context.invocation_metadata())["x-correlation-id"])


class BankListener(withdrawal_pb2_grpc.ChannelCallbackServiceServicer):
    """The end that receives what is told of payouts; it writes it down in a listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def ReportBankResult(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._listener.listen(context)
        self._listener.payouts.append(request)
        return withdrawal_pb2.ReportBankResultResponse()


@asynccontextmanager
async def serving(listener: Listener) -> AsyncIterator[tuple[Listener, str]]:
    server = grpc.aio.server()
    payment_pb2_grpc.add_ChannelCallbackServiceServicer_to_server(listener, server)
    withdrawal_pb2_grpc.add_ChannelCallbackServiceServicer_to_server(BankListener(listener), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield listener, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
