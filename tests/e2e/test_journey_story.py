"""One order from its creation to the merchant's bank, told as one story by whatever id one has of it."""

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest

from paykit.ids import new_id
from paykit.testing.runtimes import act_as
from paystream.common.v1.money_pb2 import SignedMoney
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc
from paytools.cli.main import main
from paytools.localstack import Endpoints, ports
from services.journey.rpc import JourneyServicer
from tests.e2e.conftest import Line
from tests.line import selling
from tests.line.clients import (
    call,
    refused,
)
from tests.line.replies import interceptors
from tests.line.waiting import until


@pytest.fixture(scope="module")
async def sale(line: Line) -> selling.Sale:
    return await selling.sell(line.clients)


async def ask(line: Line, named: str) -> pb.GetJourneyResponse:
    async with grpc.aio.insecure_channel(line.settings.grpc_address, interceptors=interceptors()) as channel:
        answer: pb.GetJourneyResponse = await call(
            journey_pb2_grpc.JourneyServiceStub(channel).GetJourney, pb.GetJourneyRequest(id=named)
        )
        return answer


def without_mails(answer: pb.GetJourneyResponse) -> pb.GetJourneyResponse:
    rest = pb.GetJourneyResponse()
    rest.CopyFrom(answer)
    del rest.steps[:]
    rest.steps.extend(step for step in answer.steps if step.kind != pb.STEP_KIND_NOTIFICATION)
    return rest


def whats(answer: pb.GetJourneyResponse) -> dict[str, list[str]]:
    """What happened, by what it happened to; mails apart, which follow in their own time."""
    found: dict[str, list[str]] = {}
    for step in without_mails(answer).steps:
        found.setdefault(pb.StepKind.Name(step.kind).removeprefix("STEP_KIND_").lower(), []).append(step.what)
    return found


async def test_the_story_of_an_order_leads_to_the_bank(line: Line, sale: selling.Sale) -> None:
    answer = await ask(line, sale.order_id)
    assert (answer.root_id, list(answer.absences), answer.truncated) == (sale.order_id, [], False)
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
    times = [step.occur_time.ToNanoseconds() for step in answer.steps]
    assert times == sorted(times)
    first = [(pb.StepKind.Name(step.kind), step.what) for step in without_mails(answer).steps[:4]]
    assert first == [
        ("STEP_KIND_ORDER", "CREATED"),
        ("STEP_KIND_PAYMENT", "CREATED"),
        ("STEP_KIND_CAPTURE", "CREATED"),
        ("STEP_KIND_ATTEMPT", "CHARGE_PENDING"),
    ]
    assert {step.resource_id for step in answer.steps} >= {sale.payment_id, sale.withdrawal_id, *sale.transaction_ids}


async def test_the_mails_about_an_order_are_part_of_its_story(line: Line, sale: selling.Sale) -> None:
    async def details() -> set[str]:
        answer = await ask(line, sale.order_id)
        return {step.detail for step in answer.steps if step.kind == pb.STEP_KIND_NOTIFICATION}

    wanted = {"order_created to the payer", "payment_success to the payer", "order_paid to the merchant"}
    assert wanted <= await until(lambda: found_all(details, wanted))


async def found_all(look: Callable[[], Awaitable[set[str]]], wanted: set[str]) -> set[str]:
    seen = await look()
    return seen if wanted <= seen else set()


async def test_a_transaction_is_told_with_its_entries(line: Line, sale: selling.Sale) -> None:
    answer = await ask(line, sale.order_id)
    booked_capture = next(step for step in answer.steps if step.what == "PaymentSuccess")
    assert booked_capture.amount == SignedMoney(amount_minor=selling.TOTAL_MINOR, currency_code="USD")
    assert [(e.account_kind, e.merchant_id, e.effect.amount_minor) for e in booked_capture.entries] == [
        ("merchant.settlement", sale.merchant_id, selling.TOTAL_MINOR),
        ("platform.income", "", selling.TOTAL_MINOR),
        ("merchant.settlement", sale.merchant_id, -selling.FEE_MINOR),
        ("platform.fees", "", selling.FEE_MINOR),
    ]


async def test_every_id_of_a_payment_leads_to_the_story_of_its_order(line: Line, sale: selling.Sale) -> None:
    story = without_mails(await ask(line, sale.order_id))
    for named in (sale.payment_id, sale.capture_id, sale.refund_id, *sale.transaction_ids[:2]):
        assert without_mails(await ask(line, named)) == story


async def test_a_settlement_and_a_withdrawal_tell_their_own_and_name_the_payments_in_them(
    line: Line, sale: selling.Sale
) -> None:
    expected = {
        "settlement": ["CREATED", "COMPLETED"],
        "withdrawal": ["CREATED", "COMPLETED"],
        "attempt": ["PAYOUT_PENDING", "PAYOUT_SUCCEEDED"],
        "transaction": ["SettlementCreated", "WithdrawalCreated", "WithdrawalCompleted"],
    }
    for named in (sale.settlement_id, sale.withdrawal_id):
        answer = await ask(line, named)
        assert (answer.root_id, list(answer.payment_ids)) == (named, [sale.payment_id])
        assert whats(answer) == expected
    assert (await ask(line, sale.transaction_ids[2])).root_id == sale.settlement_id
    assert (await ask(line, sale.transaction_ids[3])).root_id == sale.withdrawal_id


@pytest.mark.parametrize("prefix", ["ord", "pay", "cap", "ref", "dsp", "txn", "stl", "wdr"])
async def test_an_id_that_nobody_knows_is_not_found(line: Line, prefix: str) -> None:
    async with grpc.aio.insecure_channel(line.settings.grpc_address, interceptors=interceptors()) as channel:
        method = journey_pb2_grpc.JourneyServiceStub(channel).GetJourney
        refusal = await refused(method, pb.GetJourneyRequest(id=new_id(prefix)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "JOURNEY_NOT_FOUND")


async def answer_without(line: Line, named: str, **peers: str | None) -> pb.GetJourneyResponse:
    """Ask a process of the journey service that knows other addresses."""
    act_as("tester")
    runtime = copy.copy(next(runtime for runtime in line.host.runtimes if runtime.service.name == "journey"))
    known = {name: address for name, address in (runtime.settings.peers | peers).items() if address}
    runtime.settings = runtime.settings.model_copy(update={"peers": known})
    return await JourneyServicer(runtime).GetJourney(pb.GetJourneyRequest(id=named), None)


async def test_services_that_are_away_are_named_and_the_rest_is_told(line: Line, sale: selling.Sale) -> None:
    nobody = f"127.0.0.1:{ports.choose(0, taken=set())}"
    answer = await answer_without(line, sale.order_id, settlement=None, payment=nobody)
    assert [(absence.service, absence.reason) for absence in answer.absences] == [
        ("payment", pb.ABSENCE_REASON_UNREACHABLE),
        ("settlement", pb.ABSENCE_REASON_NO_ADDRESS),
    ]
    # The order knows its payment, and the ledger what was booked for it.
    assert whats(answer) == {
        "order": ["CREATED", "PAID", "PARTLY_REFUNDED"],
        "transaction": ["PaymentSuccess", "RefundSuccess"],
    }


async def test_a_story_that_only_somebody_away_could_tell_is_empty_and_no_error(line: Line, sale: selling.Sale) -> None:
    answer = await answer_without(line, sale.refund_id, payment=None)
    assert (list(answer.steps), [absence.service for absence in answer.absences]) == ([], ["payment"])


async def test_the_command_prints_the_story(
    line: Line, sale: selling.Sale, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    address = line.settings.grpc_address
    Endpoints(kafka="", registry="", postgres="", services={"journey": address}).write(tmp_path)
    printed = await ran(capsys, sale.order_id, "--home", str(tmp_path))
    assert printed.splitlines()[0].startswith(f"{sale.order_id}  journey ")
    rows = [line.split() for line in printed.splitlines()]
    assert any(row[1:] == ["order", "CREATED", sale.order_id, "100.00", "USD", "reference", "cart-7"] for row in rows)
    assert ["merchant.settlement", "-2.80", "USD"] in rows
    document = json.loads(await ran(capsys, sale.order_id, "--json", "--address", address))
    assert document["root_id"] == sale.order_id
    assert {step["kind"] for step in document["steps"]} >= {"STEP_KIND_ORDER", "STEP_KIND_WITHDRAWAL"}


async def test_a_service_that_lives_beside_another_is_found_by_its_own_name(
    line: Line, sale: selling.Sale, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Endpoints(kafka="", registry="", postgres="", services={"order": line.settings.grpc_address}).write(tmp_path)
    data = json.dumps({"id": sale.order_id})
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["call", "journey/GetJourney", "-d", data, "--home", str(tmp_path)])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["root_id"] == sale.order_id


async def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["journey", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out
