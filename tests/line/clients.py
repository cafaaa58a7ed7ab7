"""The ways in: stubs of the services, and the requests that tests make."""

import asyncio
import contextlib
import importlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from paykit.process.catalogue import service_names
from paystream.clock.v1 import clock_pb2, clock_pb2_grpc
from paystream.common.v1 import money_pb2
from paystream.merchant.v1 import merchant_pb2
from paystream.payment.v1 import payment_pb2
from tests.line.replies import interceptors
from tests.line.waiting import WAIT_S_MAX

CALL_TIMEOUT_S = 30.0
RETRY_PAUSE_S = 0.2
LEARNING = {"MERCHANT_UNKNOWN", "MERCHANT_NOT_ACTIVE"}
"""Reasons that pass: payment learns of a merchant by its events, moments after it was created."""


class Stubs:
    """The methods of all services of one proto file, each by its name, which is another for each."""

    def __init__(self, module: str, channel: Any) -> None:
        services = importlib.import_module(f"{module}_pb2").DESCRIPTOR.services_by_name
        generated = importlib.import_module(f"{module}_pb2_grpc")
        stubs = [getattr(generated, f"{name}Stub")(channel) for name in services]
        self._methods = {name: method for stub in stubs for name, method in vars(stub).items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._methods[name]
        except KeyError as error:
            raise AttributeError(name) from error


class Clients:
    """The methods of each service under its name, as in `clients.payment`; notification's second file is `webhook`."""

    def __init__(self, channels: Mapping[str, Any]) -> None:
        self._stubs = {name: Stubs(f"paystream.{name}.v1.{name}", channel) for name, channel in channels.items()}
        if "notification" in channels:
            self._stubs["webhook"] = Stubs("paystream.notification.v1.webhook", channels["notification"])

    def __getattr__(self, name: str) -> Any:
        try:
            return self._stubs[name]
        except KeyError as error:
            raise AttributeError(f"no address of {name} was given") from error


@asynccontextmanager
async def connected(address: str | Mapping[str, str]) -> AsyncIterator[Clients]:
    """Give stubs of all services at one address, or of those that have one of their own; every reply is looked at."""
    by_name = dict.fromkeys(service_names(), address) if isinstance(address, str) else address
    # A refused connection is tried again at once: servers of these tests come and go.
    options = [("grpc.max_reconnect_backoff_ms", 500), ("grpc.use_local_subchannel_pool", 1)]
    channels = {
        name: grpc.aio.insecure_channel(each, options=options, interceptors=interceptors())
        for name, each in by_name.items()
    }
    try:
        yield Clients(channels)
    finally:
        for channel in channels.values():
            await channel.close()


async def call(method: Any, request: Any, *, correlation_id: str | None = None) -> Any:
    """Make one call in time."""
    metadata = [("x-correlation-id", correlation_id)] if correlation_id else None
    return await method(request, timeout=CALL_TIMEOUT_S, metadata=metadata)


async def call_through(method: Any, request: Any, *, timeout_s: float = CALL_TIMEOUT_S, metadata: Any = None) -> Any:
    """Make a call again, the same request, until a server that comes and goes, or stands still, has answered it."""
    return await (await answered(method, request, timeout_s=timeout_s, metadata=metadata))


async def answered(method: Any, request: Any, *, timeout_s: float, metadata: Any) -> Any:
    """Do so, and give the call that is over, whatever the answer."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            made = method(request, timeout=timeout_s, metadata=metadata)
            with contextlib.suppress(grpc.aio.AioRpcError):
                await made
            if await made.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
                return made
            await asyncio.sleep(RETRY_PAUSE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a refused caller was told."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    retry_delay: bool = False


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Read the details of an error."""
    status = rpc_status.from_call(cast("grpc.Call", error))  # It reads code, details and trailers, as an error has.
    assert status is not None, f"no google.rpc.Status: {error}"
    return refusal_in(status, error.code())


def refusal_in(status: status_pb2.Status, code: grpc.StatusCode) -> Refusal:
    """Read the details of a status."""
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    found = {each.TypeName() for each in status.details for message in (info, bad, retry) if each.Unpack(message)}
    assert info.domain == "paystream", status
    return Refusal(
        code=code,
        reason=info.reason,
        fields=tuple(violation.field for violation in bad.field_violations),
        metadata=tuple(sorted(info.metadata.items())),
        retry_delay="google.rpc.RetryInfo" in found,
    )


async def refused(method: Any, request: Any) -> Refusal:
    """Make a call that must be refused, and give what the caller was told."""
    try:
        reply = await call(method, request)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    raise AssertionError(f"accepted: {reply}")


def new_request_id() -> str:
    """Name a request."""
    return str(uuid.uuid4())


def merchant_request(
    fees: Mapping[str, tuple[int, int]], *, refund_fee_returned: bool = False
) -> merchant_pb2.CreateMerchantRequest:
    """Describe a merchant; fees by currency are (basis points, fixed minor units), and without any it pays none."""
    rules = [
        merchant_pb2.FeeRule(currency_code=code, basis_points=basis_points, fixed_minor=fixed_minor)
        for code, (basis_points, fixed_minor) in fees.items()
    ]
    return merchant_pb2.CreateMerchantRequest(
        request_id=new_request_id(),
        display_name="Corner Books",
        contact_email="books@example.com",
        fee_plan=merchant_pb2.FeePlan(fees=rules, free=not rules, refund_fee_returned=refund_fee_returned),
    )


async def new_merchant(
    clients: Clients, fees: Mapping[str, tuple[int, int]], *, refund_fee_returned: bool = False
) -> str:
    """Create and activate a merchant, and give its id."""
    request = merchant_request(fees, refund_fee_returned=refund_fee_returned)
    created = (await call(clients.merchant.CreateMerchant, request)).merchant
    activate = merchant_pb2.ActivateMerchantRequest(
        request_id=new_request_id(), merchant_id=created.merchant_id, etag=created.etag
    )
    return str((await call(clients.merchant.ActivateMerchant, activate)).merchant.merchant_id)


def payment_request(
    merchant_id: str, amount_minor: int, currency_code: str = "USD", **more: Any
) -> payment_pb2.CreatePaymentRequest:
    """Ask for a payment by card."""
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "merchant_id": merchant_id,
        "merchant_reference": f"order-{uuid.uuid4().hex}",
        "amount": money_pb2.Money(amount_minor=amount_minor, currency_code=currency_code),
        "payment_method": payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_test"),
    }
    return payment_pb2.CreatePaymentRequest(**(values | more))


def refund_request(payment_id: str, amount_minor: int, currency_code: str = "USD") -> payment_pb2.CreateRefundRequest:
    """Ask for a refund."""
    return payment_pb2.CreateRefundRequest(
        request_id=new_request_id(),
        payment_id=payment_id,
        amount=money_pb2.Money(amount_minor=amount_minor, currency_code=currency_code),
        reason=payment_pb2.REFUND_REASON_CUSTOMER_REQUEST,
    )


async def first_payment(
    clients: Clients, request: payment_pb2.CreatePaymentRequest, *, correlation_id: str | None = None
) -> payment_pb2.Payment:
    """Ask for a payment until payment knows the merchant."""
    reply = await learnt(clients.payment.CreatePayment, request, correlation_id=correlation_id)
    made: payment_pb2.Payment = reply.payment
    return made


async def learnt(method: Any, request: Any, *, correlation_id: str | None = None) -> Any:
    """Make a call until its service knows the merchant; give its reply."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            try:
                return await call(method, request, correlation_id=correlation_id)
            except grpc.aio.AioRpcError as error:
                if refusal_of(error).reason not in LEARNING:
                    raise
            await asyncio.sleep(RETRY_PAUSE_S)


async def advance_clock(address: str, seconds: int) -> None:
    """Let time pass for all services at an address."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = clock_pb2.AdvanceClockRequest(
            request_id=new_request_id(), advance_by=duration_pb2.Duration(seconds=seconds)
        )
        await call(clock_pb2_grpc.ClockServiceStub(channel).AdvanceClock, request)
