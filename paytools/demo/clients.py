"""The demo's way to the services: gRPC and nothing else."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from paystream.accounting.v1 import accounting_pb2_grpc
from paystream.channel.v1 import channel_pb2_grpc
from paystream.merchant.v1 import merchant_pb2_grpc
from paystream.notification.v1 import webhook_pb2_grpc
from paystream.order.v1 import order_pb2_grpc
from paystream.payment.v1 import payment_pb2_grpc
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from paystream.settlement.v1 import settlement_pb2_grpc
from paystream.withdrawal.v1 import withdrawal_pb2_grpc

CALL_TIMEOUT_S = 20.0
PAGE_SIZE = 1_000
CALLER = "demo"
LEARNING_S_MAX = 30.0
"""A service waits 2 s for what it was not told of yet; on a machine that is busy starting it may take longer."""
LEARNING_PAUSE_S = 0.1
_LEARNING = {"MERCHANT_UNKNOWN", "MERCHANT_NOT_ACTIVE", "ORDER_UNKNOWN"}


class DemoFailedError(Exception):
    """Something is not as it must be; the text says what."""


class _Stubs:
    """The methods of several services of a package, each by its name, which is another for each."""

    def __init__(self, *stubs: object) -> None:
        self._methods = {name: method for stub in stubs for name, method in vars(stub).items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._methods[name]
        except KeyError as error:
            raise AttributeError(name) from error


@dataclass(frozen=True, slots=True)
class Clients:
    """Stubs of the services that the demo calls, of a package all together."""

    merchant: Any
    order: Any
    payment: Any
    accounting: Any
    settlement: Any
    withdrawal: Any
    channel: Any
    reconciliation: Any
    webhooks: Any


@asynccontextmanager
async def connect(addresses: Mapping[str, str]) -> AsyncIterator[Clients]:
    """Open a connection to each service."""
    async with AsyncExitStack() as opened:

        async def channel(name: str) -> grpc.aio.Channel:
            return await opened.enter_async_context(grpc.aio.insecure_channel(addresses[name]))

        merchants, payments = await channel("merchant"), await channel("payment")
        books, settlements = await channel("accounting"), await channel("settlement")
        withdrawals, channels = await channel("withdrawal"), await channel("channel")
        yield Clients(
            merchant=_Stubs(
                merchant_pb2_grpc.MerchantServiceStub(merchants),
                merchant_pb2_grpc.MerchantOperationsServiceStub(merchants),
            ),
            order=order_pb2_grpc.OrderServiceStub(await channel("order")),
            payment=_Stubs(
                payment_pb2_grpc.PaymentServiceStub(payments),
                payment_pb2_grpc.PaymentOperationsServiceStub(payments),
            ),
            accounting=_Stubs(
                accounting_pb2_grpc.AccountingServiceStub(books),
                accounting_pb2_grpc.AccountingOperationsServiceStub(books),
            ),
            settlement=_Stubs(
                settlement_pb2_grpc.SettlementServiceStub(settlements),
                settlement_pb2_grpc.SettlementOperationsServiceStub(settlements),
            ),
            withdrawal=_Stubs(
                withdrawal_pb2_grpc.WithdrawalServiceStub(withdrawals),
                withdrawal_pb2_grpc.WithdrawalOperationsServiceStub(withdrawals),
            ),
            channel=_Stubs(
                channel_pb2_grpc.ChannelServiceStub(channels), channel_pb2_grpc.SimulatorServiceStub(channels)
            ),
            reconciliation=reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(await channel("reconciliation")),
            webhooks=webhook_pb2_grpc.WebhookServiceStub(await channel("notification")),
        )


async def call(method: Any, request: Any, *, caller: str = CALLER) -> Any:
    """Make one call, in a caller's name, again for a while if the service has not been told of something yet.

    Raises:
        grpc.aio.AioRpcError: It was refused, or not answered in time.
    """
    give_up = time.monotonic() + LEARNING_S_MAX
    while True:
        try:
            return await method(request, timeout=CALL_TIMEOUT_S, metadata=[("paystream-caller", caller)])
        except grpc.aio.AioRpcError as error:
            if _reason(error) not in _LEARNING or time.monotonic() > give_up:
                raise
        await asyncio.sleep(LEARNING_PAUSE_S)


async def pages(method: Any, request: Any, field: str) -> list[Any]:
    """Read all pages of a list."""
    resources: list[Any] = []
    while True:
        response = await call(method, request)
        resources += getattr(response, field)
        if not response.next_page_token:
            return resources
        request.page_token = response.next_page_token


def _reason(error: grpc.aio.AioRpcError) -> str:
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    described = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    info = error_details_pb2.ErrorInfo()
    any(packed.Unpack(info) for packed in described.details)
    return str(info.reason)


def new_request_id() -> str:
    """Name a request, so that it can be sent again."""
    return str(uuid.uuid4())
