"""The demo's calls: two merchants, their payments and refunds, and waiting until each has its outcome."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1 import merchant_pb2
from paystream.payment.v1 import payment_pb2
from paytools.demo import script
from paytools.demo.clients import PAGE_SIZE, Clients, DemoFailedError, call, new_request_id, pages

CALLS_AT_ONCE = 16
REPEATED_EVERY = 10
"""Every tenth payment is sent twice at the same time, with one request id."""
WAIT_S_MAX = 120.0
"""For each stage; on a quiet machine the longest takes about 10 s, for a lost call is final only after 5 s."""
LOOK_EVERY_S = 0.3

_UNKNOWN = "UNKNOWN"
_ENDS = {"SUCCEEDED", "FAILED", "CANCELLED"}


class Meter(Protocol):
    """Shows how far a stage has come."""

    def at(self, count: int, note: str = "") -> None:
        """Say how many are done, and something about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A payment that was asked for."""

    planned: script.PlannedPayment
    payment_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A refund that was asked for."""

    planned: script.PlannedRefund
    refund_id: str
    payment_id: str


def merchant_requests() -> list[merchant_pb2.CreateMerchantRequest]:
    """Describe the two merchants: one pays much and gets fees back, one pays little and does not."""
    return [
        _merchant("Corner Books", returned=True, USD=(290, 30), JPY=(360, 0), BHD=(275, 100)),
        _merchant("Harbour Tickets", returned=False, USD=(190, 5), JPY=(240, 20), BHD=(150, 0)),
    ]


async def create_merchants(clients: Clients) -> list[merchant_pb2.Merchant]:
    """Create and activate both merchants."""
    return [await create_merchant(clients, request) for request in merchant_requests()]


async def create_merchant(clients: Clients, request: merchant_pb2.CreateMerchantRequest) -> merchant_pb2.Merchant:
    """Create and activate a merchant."""
    created = (await call(clients.merchant.CreateMerchant, request)).merchant
    activate = merchant_pb2.ActivateMerchantRequest(
        request_id=new_request_id(), merchant_id=created.merchant_id, etag=created.etag
    )
    activated: merchant_pb2.Merchant = (await call(clients.merchant.ActivateMerchant, activate)).merchant
    return activated


async def ask_payments(
    clients: Clients, planned: Sequence[script.PlannedPayment], merchant_ids: Sequence[str], meter: Meter
) -> list[Asked]:
    """Ask for every payment: most one by one, some of those twice at once, the last in one batch."""
    requests = [_payment_request(payment, merchant_ids[payment.merchant]) for payment in planned]
    gate = asyncio.Semaphore(CALLS_AT_ONCE)
    done = 0

    async def one(number: int) -> str:
        nonlocal done
        async with gate:
            payment_id = await _create_payment(clients, requests[number])
        done += 1
        meter.at(done)
        return payment_id

    ids: dict[int, str] = {}
    for number in _first_numbers(planned):
        ids[number] = await _first(lambda number=number: one(number))  # type: ignore[misc]
    others = [number for number in range(script.BATCHED_FROM) if number not in ids]
    ids |= zip(others, await asyncio.gather(*map(one, others)), strict=True)
    ids |= enumerate(await _create_batch(clients, requests[script.BATCHED_FROM :]), script.BATCHED_FROM)
    meter.at(len(ids))
    return [
        Asked(planned=payment, payment_id=ids[payment.number], request_id=requests[payment.number].request_id)
        for payment in planned
    ]


async def ask_refunds(clients: Clients, asked: Sequence[Asked], meter: Meter) -> list[Given]:
    """Ask for every refund of the payments that succeeded."""
    gate = asyncio.Semaphore(CALLS_AT_ONCE)
    given: list[Given] = []

    async def one(payment: Asked, refund: script.PlannedRefund) -> None:
        async with gate:
            request = _refund_request(payment, refund.amount_minor)
            response = await call(clients.payment.CreateRefund, request)
        given.append(Given(planned=refund, refund_id=response.refund.refund_id, payment_id=payment.payment_id))
        meter.at(len(given))

    await asyncio.gather(*(one(payment, refund) for payment in asked for refund in payment.planned.refunds))
    return given


async def check_refusal(clients: Clients, asked: Sequence[Asked]) -> str:
    """Ask to refund a payment whole of which a part is refunded already; give the words of the refusal.

    Raises:
        DemoFailedError: It was not refused.
    """
    payment = next(payment for payment in asked if _partly_refunded(payment.planned))
    try:
        await call(clients.payment.CreateRefund, _refund_request(payment, payment.planned.amount_minor))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
            return error.details() or ""
        raise
    raise DemoFailedError("a refund above what is left was accepted")


async def wait_payments(
    clients: Clients, merchant_ids: Sequence[str], count: int, meter: Meter
) -> dict[str, payment_pb2.Payment]:
    """Wait until every payment has its outcome; give them by id."""

    async def look() -> tuple[list[Any], Counter[str]]:
        requests = [
            payment_pb2.ListPaymentsRequest(merchant_id=payment, page_size=PAGE_SIZE) for payment in merchant_ids
        ]
        lists = [await pages(clients.payment.ListPayments, request, "payments") for request in requests]
        payments = [payment for one in lists for payment in one]
        return payments, Counter(state_of(payment) for payment in payments)

    payments = await _settled(look, count, "payments", meter)
    return {payment.payment_id: payment for payment in payments}


async def wait_refunds(
    clients: Clients, merchant_ids: Sequence[str], count: int, meter: Meter
) -> dict[str, payment_pb2.Refund]:
    """Wait until every refund has its outcome; give them by id."""

    async def look() -> tuple[list[Any], Counter[str]]:
        requests = [payment_pb2.ListRefundsRequest(merchant_id=refund, page_size=PAGE_SIZE) for refund in merchant_ids]
        lists = [await pages(clients.payment.ListRefunds, request, "refunds") for request in requests]
        refunds = [refund for one in lists for refund in one]
        return refunds, Counter(state_of(refund) for refund in refunds)

    refunds = await _settled(look, count, "refunds", meter)
    return {refund.refund_id: refund for refund in refunds}


async def wait_booked(
    clients: Clients, merchant_ids: Sequence[str], count: int, meter: Meter
) -> list[accounting_pb2.Transaction]:
    """Wait until the ledger has this many transactions; give all it has."""
    give_up = time.monotonic() + WAIT_S_MAX
    while True:
        booked: list[Any] = []
        for merchant_id in merchant_ids:
            request = accounting_pb2.ListTransactionsRequest(merchant_id=merchant_id, page_size=PAGE_SIZE)
            booked += await pages(clients.accounting.ListTransactions, request, "transactions")
        meter.at(len(booked))
        if len(booked) >= count:
            return booked
        if time.monotonic() > give_up:
            raise DemoFailedError(f"the ledger has {len(booked)} of {count} transactions after {WAIT_S_MAX:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)


def state_of(resource: Any) -> str:
    """Return the state of a payment or refund without its prefix."""
    enum = payment_pb2.PaymentState if isinstance(resource, payment_pb2.Payment) else payment_pb2.RefundState
    return str(enum.Name(resource.state)).rpartition("_")[2]


async def _settled(
    look: Callable[[], Awaitable[tuple[list[Any], Counter[str]]]], count: int, name: str, meter: Meter
) -> list[Any]:
    """Look again and again until so many have ended, showing how many are unknown meanwhile."""
    give_up = time.monotonic() + WAIT_S_MAX
    unknown_most = 0
    while True:
        settled, states = await look()
        ended = sum(states[state] for state in _ENDS)
        unknown_most = max(unknown_most, states[_UNKNOWN])
        meter.at(ended, f"{states[_UNKNOWN]} unknown, at most {unknown_most} at once")
        if ended == len(settled) >= count:
            return settled
        if time.monotonic() > give_up:
            raise DemoFailedError(f"{name} without an outcome after {WAIT_S_MAX:.0f} s: {dict(states)}")
        await asyncio.sleep(LOOK_EVERY_S)


def _first_numbers(planned: Sequence[script.PlannedPayment]) -> list[int]:
    """Name each merchant's first payment."""
    return sorted({payment.merchant: payment.number for payment in reversed(planned)}.values())


async def _first(attempt: Callable[[], Awaitable[str]]) -> str:
    """Try until payment has learned of the merchants: it does so by their events, moments after they were created."""
    give_up = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            return await attempt()
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION or time.monotonic() > give_up:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def _create_payment(clients: Clients, request: payment_pb2.CreatePaymentRequest) -> str:
    times = 2 if int(request.metadata["number"]) % REPEATED_EVERY == 0 else 1
    replies = await asyncio.gather(*(call(clients.payment.CreatePayment, request) for _ in range(times)))
    ids = {reply.payment.payment_id for reply in replies}
    if len(ids) > 1:
        raise DemoFailedError(f"one request id made two payments: {', '.join(sorted(ids))}")
    return str(ids.pop())


async def _create_batch(clients: Clients, requests: Sequence[payment_pb2.CreatePaymentRequest]) -> list[str]:
    batch = payment_pb2.BatchCreatePaymentsRequest(requests=requests)
    response = await call(clients.payment.BatchCreatePayments, batch)
    for result in response.results:
        if not result.HasField("payment"):
            raise DemoFailedError(f"a payment of the batch was refused: {result.error.message}")
    return [result.payment.payment_id for result in response.results]


def _payment_request(planned: script.PlannedPayment, merchant_id: str) -> payment_pb2.CreatePaymentRequest:
    return payment_pb2.CreatePaymentRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference=f"demo-{planned.number:04}",
        amount=Money(amount_minor=planned.amount_minor, currency_code=planned.currency_code),
        payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_demo"),  # noqa: S106 - opens nothing
        metadata={"number": str(planned.number)},
    )


def _partly_refunded(planned: script.PlannedPayment) -> bool:
    return [refund.end for refund in planned.refunds] == [script.End.SUCCEEDED] and (
        planned.refunds[0].amount_minor < planned.amount_minor
    )


def _refund_request(asked: Asked, amount_minor: int) -> payment_pb2.CreateRefundRequest:
    return payment_pb2.CreateRefundRequest(
        request_id=new_request_id(),
        payment_id=asked.payment_id,
        amount=Money(amount_minor=amount_minor, currency_code=asked.planned.currency_code),
        reason=payment_pb2.REFUND_REASON_CUSTOMER_REQUEST,
    )


def _merchant(name: str, *, returned: bool, **fees: tuple[int, int]) -> merchant_pb2.CreateMerchantRequest:
    rules = [
        merchant_pb2.FeeRule(currency_code=code, basis_points=basis_points, fixed_minor=fixed_minor)
        for code, (basis_points, fixed_minor) in fees.items()
    ]
    return merchant_pb2.CreateMerchantRequest(
        request_id=new_request_id(),
        display_name=name,
        contact_email=f"{name.lower().replace(' ', '.')}@example.com",
        fee_plan=merchant_pb2.FeePlan(fees=rules, refund_fee_returned=returned),
    )
