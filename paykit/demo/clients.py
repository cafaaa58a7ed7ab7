"""The demo's way to the services: gRPC and nothing else."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from paystream.accounting.v1 import accounting_pb2_grpc
from paystream.merchant.v1 import merchant_pb2_grpc
from paystream.payment.v1 import payment_pb2_grpc

CALL_TIMEOUT_S = 20.0
PAGE_SIZE = 1_000
CALLER = "demo"


class DemoFailedError(Exception):
    """Something is not as it must be; the text says what."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Stubs of the services that the demo calls."""

    merchant: Any
    payment: Any
    accounting: Any


@asynccontextmanager
async def connect(addresses: Mapping[str, str]) -> AsyncIterator[Clients]:
    """Open a connection to each service."""
    async with AsyncExitStack() as opened:

        async def channel(name: str) -> grpc.aio.Channel:
            return await opened.enter_async_context(grpc.aio.insecure_channel(addresses[name]))

        yield Clients(
            merchant=merchant_pb2_grpc.MerchantServiceStub(await channel("merchant")),
            payment=payment_pb2_grpc.PaymentServiceStub(await channel("payment")),
            accounting=accounting_pb2_grpc.AccountingServiceStub(await channel("accounting")),
        )


async def call(method: Any, request: Any, *, correlation_id: str | None = None) -> Any:
    """Make one call.

    Raises:
        grpc.aio.AioRpcError: It was refused, or not answered in time.
    """
    metadata = [("paystream-caller", CALLER)]
    if correlation_id:
        metadata.append(("x-correlation-id", correlation_id))
    return await method(request, timeout=CALL_TIMEOUT_S, metadata=metadata)


async def pages(method: Any, request: Any, field: str) -> list[Any]:
    """Read all pages of a list."""
    found: list[Any] = []
    while True:
        response = await call(method, request)
        found += getattr(response, field)
        if not response.next_page_token:
            return found
        request.page_token = response.next_page_token


def new_request_id() -> str:
    """Name a request, so that it can be sent again."""
    return str(uuid.uuid4())
