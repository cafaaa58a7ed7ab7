"""One order from its creation to the merchant's bank, told as one story by whatever id one has of it."""

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from paykit.cli.main import main
from paykit.ids import new_id
from paykit.localstack import Endpoints, ports
from paykit.testing.runtimes import act_as
from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from services.order.journey_rpc import JourneyServicer
from services.order.rpc import OrderServicer
from tests.e2e.conftest import Line
from tests.line.clients import (
    Clients,
    call,
    new_merchant,
    new_request_id,
    payment_request,
    refund_request,
    refused,
)
from tests.line.waiting import until

TOTAL_MINOR = 10_000
FEE_MINOR = 250 + 30
REFUND_MINOR = 1_000
NET_MINOR = TOTAL_MINOR - FEE_MINOR - REFUND_MINOR


@dataclass(frozen=True, kw_only=True)
class Told:
    """An order that was paid, in part refunded, settled and paid out, and every id of it."""

    line: Line
    merchant_id: str
    order_id: str
    payment_id: str
    capture_id: str
    refund_id: str
    settlement_id: str
    withdrawal_id: str
    transaction_ids: tuple[str, ...]


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def seen(method: Any, request: Any, told: Callable[[Any], Any]) -> Any:
    """Call until the reply tells it."""

    async def look() -> Any:
        try:
            return told(await call(method, request))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
            return None

    return await until(look)


async def ordered(clients: Clients, merchant_id: str) -> str:
    request = order_pb2.CreateOrderRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference="cart-7",
        line_items=[order_pb2.LineItem(name="Lamp", quantity=1, unit_price=usd(TOTAL_MINOR), amount=usd(TOTAL_MINOR))],
        total=usd(TOTAL_MINOR),
    )
    return str((await call(clients.order.CreateOrder, request)).order.order_id)


async def paid(clients: Clients, merchant_id: str, order_id: str) -> Any:
    request = payment_request(merchant_id, TOTAL_MINOR, order_id=order_id, merchant_reference="till-7")
    created = await seen(clients.payment.CreatePayment, request, lambda reply: reply.payment)
    get = payment_pb2.GetPaymentRequest(payment_id=created.payment_id)
    return await seen(
        clients.payment.GetPayment, get, lambda reply: reply.payment if reply.payment.captured_minor else None
    )


async def refunded(clients: Clients, payment_id: str) -> str:
    made = (await call(clients.payment.CreateRefund, refund_request(payment_id, REFUND_MINOR))).refund
    get = payment_pb2.GetRefundRequest(refund_id=made.refund_id)
    done = payment_pb2.REFUND_STATE_SUCCEEDED
    await seen(clients.payment.GetRefund, get, lambda reply: reply.refund.state == done)
    return str(made.refund_id)


async def settled(clients: Clients, merchant_id: str) -> str:
    pending = settlement_pb2.GetPendingBalanceRequest(merchant_id=merchant_id, currency_code="USD")
    wanted = str(NET_MINOR)
    await seen(
        clients.settlement.GetPendingBalance,
        pending,
        lambda reply: [each for each in reply.balances if each.pending.total_minor == wanted],
    )
    request = settlement_pb2.CreateSettlementRequest(
        request_id=new_request_id(), merchant_id=merchant_id, currency_code="USD"
    )
    made = (await call(clients.settlement.CreateSettlement, request)).settlement
    get = settlement_pb2.GetSettlementRequest(settlement_id=made.settlement_id)
    done = settlement_pb2.SETTLEMENT_STATE_COMPLETED
    await seen(clients.settlement.GetSettlement, get, lambda reply: reply.settlement.state == done)
    return str(made.settlement_id)


async def withdrawn(clients: Clients, merchant_id: str) -> str:
    account = withdrawal_pb2.CreateBankAccountRequest(
        request_id=new_request_id(), merchant_id=merchant_id, currency_code="USD", token="tok_bank", last_four="0042"
    )
    bank_account_id = (await call(clients.withdrawal.CreateBankAccount, account)).bank_account.bank_account_id
    verify = withdrawal_pb2.VerifyBankAccountRequest(
        bank_account_id=bank_account_id, result=withdrawal_pb2.VERIFICATION_RESULT_VERIFIED
    )
    await call(clients.withdrawal.VerifyBankAccount, verify)
    request = withdrawal_pb2.CreateWithdrawalRequest(
        request_id=new_request_id(), merchant_id=merchant_id, bank_account_id=bank_account_id, amount=usd(NET_MINOR)
    )
    made = await seen(clients.withdrawal.CreateWithdrawal, request, lambda reply: reply.withdrawal)
    get = withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=made.withdrawal_id)
    done = withdrawal_pb2.WITHDRAWAL_STATE_COMPLETED
    await seen(clients.withdrawal.GetWithdrawal, get, lambda reply: reply.withdrawal.state == done)
    return str(made.withdrawal_id)


async def booked(clients: Clients, root_reference: str, count: int) -> list[str]:
    request = accounting_pb2.ListTransactionsRequest(root_reference=root_reference)
    found = await seen(
        clients.accounting.ListTransactions,
        request,
        lambda reply: reply.transactions if len(reply.transactions) == count else None,
    )
    return [each.transaction_id for each in found]


@pytest.fixture(scope="module")
async def told(line: Line) -> Told:
    clients = line.clients
    merchant_id = await new_merchant(clients, {"USD": (250, 30)})
    order_id = await ordered(clients, merchant_id)
    payment = await paid(clients, merchant_id, order_id)
    await booked(clients, payment.payment_id, 1)
    refund_id = await refunded(clients, payment.payment_id)
    settlement_id = await settled(clients, merchant_id)
    withdrawal_id = await withdrawn(clients, merchant_id)
    transactions = [
        *await booked(clients, payment.payment_id, 2),
        *await booked(clients, settlement_id, 1),
        *await booked(clients, withdrawal_id, 2),
    ]
    get = order_pb2.GetOrderRequest(order_id=order_id)
    await seen(clients.order.GetOrder, get, lambda reply: reply.order.refunded_minor)
    return Told(
        line=line,
        merchant_id=merchant_id,
        order_id=order_id,
        payment_id=payment.payment_id,
        capture_id=payment.capture_id,
        refund_id=refund_id,
        settlement_id=settlement_id,
        withdrawal_id=withdrawal_id,
        transaction_ids=tuple(transactions),
    )


async def ask(line: Line, named: str) -> pb.GetJourneyResponse:
    async with grpc.aio.insecure_channel(line.settings.grpc_address) as channel:
        answer: pb.GetJourneyResponse = await call(
            journey_pb2_grpc.JourneyServiceStub(channel).GetJourney, pb.GetJourneyRequest(id=named)
        )
        return answer


def whats(answer: pb.GetJourneyResponse) -> dict[str, list[str]]:
    """What happened, by what it happened to."""
    found: dict[str, list[str]] = {}
    for step in answer.steps:
        found.setdefault(pb.StepKind.Name(step.kind).removeprefix("STEP_KIND_").lower(), []).append(step.what)
    return found


async def test_the_story_of_an_order_leads_to_the_bank(told: Told) -> None:
    answer = await ask(told.line, told.order_id)
    assert (answer.root_id, list(answer.absences), answer.truncated) == (told.order_id, [], False)
    assert whats(answer) == {
        "order": ["CREATED", "PAID", "PARTLY_REFUNDED"],
        "payment": ["CREATED", "SUCCEEDED"],
        "attempt": [
            "CHARGE_PENDING",
            "CHARGE_SUCCEEDED",
            "REFUND_PENDING",
            "REFUND_SUCCEEDED",
            "PAYOUT_PENDING",
            "PAYOUT_SUCCEEDED",
        ],
        "capture": ["CREATED", "SUCCEEDED"],
        "refund": ["CREATED", "SUCCEEDED"],
        "transaction": [
            "PaymentSuccess",
            "RefundSuccess",
            "SettlementCreated",
            "WithdrawalCreated",
            "WithdrawalCompleted",
        ],
        "settlement": ["CREATED", "COMPLETED"],
        "withdrawal": ["CREATED", "COMPLETED"],
    }
    times = [step.time.ToNanoseconds() for step in answer.steps]
    assert times == sorted(times)
    first = [(pb.StepKind.Name(step.kind), step.what) for step in answer.steps[:4]]
    assert first == [
        ("STEP_KIND_ORDER", "CREATED"),
        ("STEP_KIND_PAYMENT", "CREATED"),
        ("STEP_KIND_CAPTURE", "CREATED"),
        ("STEP_KIND_ATTEMPT", "CHARGE_PENDING"),
    ]
    assert {step.resource_id for step in answer.steps} >= {told.payment_id, told.withdrawal_id, *told.transaction_ids}


async def test_a_transaction_is_told_with_its_entries(told: Told) -> None:
    answer = await ask(told.line, told.order_id)
    booked_capture = next(step for step in answer.steps if step.what == "PaymentSuccess")
    assert booked_capture.amount == usd(TOTAL_MINOR)
    assert [(e.account_kind, e.merchant_id, e.effect.amount_minor) for e in booked_capture.entries] == [
        ("merchant.settlement", told.merchant_id, TOTAL_MINOR),
        ("platform.income", "", TOTAL_MINOR),
        ("merchant.settlement", told.merchant_id, -FEE_MINOR),
        ("platform.fees", "", FEE_MINOR),
    ]


async def test_every_id_of_a_payment_leads_to_the_story_of_its_order(told: Told) -> None:
    story = await ask(told.line, told.order_id)
    for named in (told.payment_id, told.capture_id, told.refund_id, *told.transaction_ids[:2]):
        assert await ask(told.line, named) == story


async def test_a_settlement_and_a_withdrawal_tell_their_own_and_name_the_payments_in_them(told: Told) -> None:
    expected = {
        "settlement": ["CREATED", "COMPLETED"],
        "withdrawal": ["CREATED", "COMPLETED"],
        "attempt": ["PAYOUT_PENDING", "PAYOUT_SUCCEEDED"],
        "transaction": ["SettlementCreated", "WithdrawalCreated", "WithdrawalCompleted"],
    }
    for named in (told.settlement_id, told.withdrawal_id):
        answer = await ask(told.line, named)
        assert (answer.root_id, list(answer.payment_ids)) == (named, [told.payment_id])
        assert whats(answer) == expected
    assert (await ask(told.line, told.transaction_ids[2])).root_id == told.settlement_id
    assert (await ask(told.line, told.transaction_ids[3])).root_id == told.withdrawal_id


@pytest.mark.parametrize("prefix", ["ord", "pay", "cap", "ref", "dsp", "txn", "stl", "wdr"])
async def test_an_id_that_nobody_knows_is_not_found(line: Line, prefix: str) -> None:
    async with grpc.aio.insecure_channel(line.settings.grpc_address) as channel:
        method = journey_pb2_grpc.JourneyServiceStub(channel).GetJourney
        refusal = await refused(method, pb.GetJourneyRequest(id=new_id(prefix)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "JOURNEY_NOT_FOUND")


async def answer_without(told: Told, named: str, **peers: str | None) -> pb.GetJourneyResponse:
    """Ask a process of the order service that knows other addresses."""
    act_as("tester")
    runtime = copy.copy(next(each for each in told.line.host.runtimes if each.service.name == "order"))
    known = {name: address for name, address in (runtime.settings.peers | peers).items() if address}
    runtime.settings = runtime.settings.model_copy(update={"peers": known})
    return await JourneyServicer(runtime, OrderServicer(runtime)).GetJourney(pb.GetJourneyRequest(id=named), None)


async def test_services_that_are_away_are_named_and_the_rest_is_told(told: Told) -> None:
    nobody = f"127.0.0.1:{ports.choose(0, taken=set())}"
    answer = await answer_without(told, told.order_id, settlement=None, payment=nobody)
    assert [(absence.service, absence.reason) for absence in answer.absences] == [
        ("payment", pb.ABSENCE_REASON_UNREACHABLE),
        ("settlement", pb.ABSENCE_REASON_NO_ADDRESS),
    ]
    # The order knows its payment, and the ledger what was booked for it.
    assert whats(answer) == {
        "order": ["CREATED", "PAID", "PARTLY_REFUNDED"],
        "transaction": ["PaymentSuccess", "RefundSuccess"],
    }


async def test_a_story_that_only_somebody_away_could_tell_is_empty_and_no_error(told: Told) -> None:
    answer = await answer_without(told, told.refund_id, payment=None)
    assert (list(answer.steps), [absence.service for absence in answer.absences]) == ([], ["payment"])


async def test_the_command_prints_the_story(told: Told, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    address = told.line.settings.grpc_address
    Endpoints(kafka="", registry="", postgres="", services={"order": address}).write(tmp_path)
    printed = await ran(capsys, told.order_id, "--home", str(tmp_path))
    assert printed.splitlines()[0].startswith(f"{told.order_id}  journey ")
    rows = [line.split() for line in printed.splitlines()]
    assert any(row[2:] == ["order", "PAID", told.order_id, "100.00", "USD", "reference", "cart-7"] for row in rows)
    assert ["merchant.settlement", "-2.80", "USD"] in rows
    document = json.loads(await ran(capsys, told.order_id, "--json", "--address", address))
    assert document["root_id"] == told.order_id
    assert {step["kind"] for step in document["steps"]} >= {"STEP_KIND_ORDER", "STEP_KIND_WITHDRAWAL"}


async def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["journey", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out
