"""The load client, the same for both sides of a ratio: reads steps as JSON from stdin, writes their results to stdout.

Requests are made before the clock of a step starts, sent as bytes and answered as bytes, so that the client takes as
little as it can of the cores it shares with the servers.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import uvloop
from google.protobuf.message import Message

from bench.figures import percentile
from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2 as pb
from paystream.withdrawal.v1 import withdrawal_pb2

CALL_TIMEOUT_S = 20.0
WARM_UP_SHARE = 0.2
"""Of a step's time; its calls are made and not counted."""
AMOUNTS = 1_000
"""Amounts run through this many values, all below those whose fate the simulator fixes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load on one method.

    Attributes:
        method: Full name, as in `/package.Service/Method`.
        in_flight: Calls at the same time, at most; the next starts when one ends.
        per_s: At most so many calls start each second, at even times; 0 for as many as there are.
        items: Payments or journals in each call; 1 is a request of its own, more are a batch.
        calls_max: Requests made beforehand; the step ends early when they are used up.
        seconds: How long calls are started, warm-up included.
        merchants: Ids to spread the requests over.
        accounts: The merchants' bank accounts, for withdrawals.
    """

    address: str
    method: str
    in_flight: int
    items: int
    calls_max: int
    seconds: float
    merchants: Sequence[str]
    accounts: Sequence[str] = ()
    per_s: float = 0.0


def payment_request(merchant_id: str, number: int) -> pb.CreatePaymentRequest:
    """Describe a payment that the simulator approves."""
    return pb.CreatePaymentRequest(
        request_id=str(uuid.uuid4()),
        merchant_id=merchant_id,
        merchant_reference=f"bench-{uuid.uuid4().hex}",
        amount=Money(amount_minor=1_000 + number % AMOUNTS, currency_code="USD"),
        payment_method=pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_CARD, token="tok_bench"),  # noqa: S106 - no secret
        metadata={"cart": f"c{number}"},
    )


def order_request(merchant_id: str, number: int) -> order_pb2.CreateOrderRequest:
    """Describe an order of two items."""
    prices = [Money(amount_minor=amount, currency_code="USD") for amount in (500, 500 + number % AMOUNTS)]
    return order_pb2.CreateOrderRequest(
        request_id=str(uuid.uuid4()),
        merchant_id=merchant_id,
        merchant_reference=f"bench-{uuid.uuid4().hex}",
        line_items=[order_pb2.LineItem(name="Tea", quantity=1, unit_price=price, amount=price) for price in prices],
        total=Money(amount_minor=sum(price.amount_minor for price in prices), currency_code="USD"),
    )


def withdrawal_request(merchant_id: str, number: int, bank_account_id: str) -> withdrawal_pb2.CreateWithdrawalRequest:
    """Describe a withdrawal that needs nobody's approval."""
    return withdrawal_pb2.CreateWithdrawalRequest(
        request_id=str(uuid.uuid4()),
        merchant_id=merchant_id,
        bank_account_id=bank_account_id,
        amount=Money(amount_minor=1_000 + number % AMOUNTS, currency_code="USD"),
    )


def journal_request(merchant_id: str, number: int) -> accounting_pb2.CreateTransactionRequest:
    """Describe a manual journal between a merchant's account and the platform's fees."""
    owed = accounting_pb2.AccountKey(account_kind="merchant.settlement", merchant_id=merchant_id)
    fees = accounting_pb2.AccountKey(account_kind="platform.fees")
    amount_minor = 1_000 + number % AMOUNTS
    return accounting_pb2.CreateTransactionRequest(
        request_id=str(uuid.uuid4()),
        transaction_type="Goodwill",
        related_no=f"bench-{uuid.uuid4().hex}",
        currency_code="USD",
        entries=[
            accounting_pb2.JournalEntry(account_key=owed, side=accounting_pb2.SIDE_DEBIT, amount_minor=amount_minor),
            accounting_pb2.JournalEntry(account_key=fees, side=accounting_pb2.SIDE_CREDIT, amount_minor=amount_minor),
        ],
        reason="A complaint",
    )


_REQUESTS: Mapping[str, Callable[..., Message]] = {
    "CreateOrder": order_request,
    "CreateWithdrawal": withdrawal_request,
    "BatchCreateTransactions": journal_request,
}
"""By method; every other one is sent payments."""
_BATCHES: Mapping[str, tuple[Any, Any]] = {
    "BatchCreatePayments": (pb.BatchCreatePaymentsRequest, pb.BatchCreatePaymentsResponse),
    "BatchCreateTransactions": (
        accounting_pb2.BatchCreateTransactionsRequest,
        accounting_pb2.BatchCreateTransactionsResponse,
    ),
}
"""What is sent and answered, by method."""


def bodies(step: Step) -> list[bytes]:
    """Make the requests of a step."""
    method = step.method.rpartition("/")[2]
    make = _REQUESTS.get(method, payment_request)
    whose = (
        [*zip(step.merchants, step.accounts, strict=True)] if step.accounts else [(each,) for each in step.merchants]
    )
    each: list[Any] = []
    for number in range(step.calls_max * step.items):
        merchant_id, *account = whose[number % len(whose)]
        each.append(make(merchant_id, number, *account))
    if step.items == 1:
        return [request.SerializeToString() for request in each]
    chunks = (each[at : at + step.items] for at in range(0, len(each), step.items))
    batch, _ = _BATCHES[method]
    return [batch(requests=chunk).SerializeToString() for chunk in chunks]


async def run(step: Step) -> dict[str, float]:
    """Carry out a step.

    Returns:
        calls_per_s and items_per_s after the warm-up, and p50_ms and p99_ms of one call.

    Raises:
        grpc.aio.AioRpcError: A call was refused or not answered in time.
        ValueError: An item of a batch was refused.
    """
    waiting = enumerate(bodies(step))
    async with grpc.aio.insecure_channel(step.address) as channel:
        call: Any = channel.unary_unary(step.method)
        began = time.perf_counter()
        end = began + step.seconds
        ended: list[tuple[float, float]] = []
        replies: list[bytes] = []

        async def work() -> None:
            for number, body in waiting:
                if step.per_s:
                    await asyncio.sleep(began + number / step.per_s - time.perf_counter())
                started = time.perf_counter()
                if started >= end:
                    return
                reply = await call(body, timeout=CALL_TIMEOUT_S)
                now = time.perf_counter()
                ended.append((now, now - started))
                if step.items > 1:
                    replies.append(reply)  # Looked into after the clock.

        async with asyncio.TaskGroup() as group:
            for _ in range(step.in_flight):
                group.create_task(work())
    for reply in replies:
        _check_batch(step.method.rpartition("/")[2], reply)
    return _result(step, ended, began, min(end, max(at for at, _ in ended)))


def _result(step: Step, ended: Sequence[tuple[float, float]], began: float, until: float) -> dict[str, float]:
    """Count the calls that ended between warm-up and end."""
    warm = began + (until - began) * WARM_UP_SHARE
    counted = [seconds for at, seconds in ended if warm <= at <= until]
    calls_per_s = len(counted) / (until - warm)
    return {
        "calls_per_s": calls_per_s,
        "items_per_s": calls_per_s * step.items,
        "p50_ms": percentile(counted, 50) * 1_000,
        "p99_ms": percentile(counted, 99) * 1_000,
    }


def _check_batch(method: str, reply: bytes) -> None:
    _, response = _BATCHES[method]
    refused = [r.error for r in response.FromString(reply).results if r.HasField("error")]
    if refused:
        raise ValueError(f"{len(refused)} items were refused, the first: {refused[0]}")


async def run_all(steps: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """Carry out steps one after another."""
    return [await run(Step(**step)) for step in steps]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(run_all(json.load(sys.stdin))), sys.stdout)
