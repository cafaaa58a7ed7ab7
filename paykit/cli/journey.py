"""`paystream journey`: all that became of an order or payment, as one story."""

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import grpc
import typer
from google.protobuf import json_format
from rich import box
from rich.console import Console
from rich.table import Table

from paykit.cli import addresses
from paykit.cli.call import refusal_lines, wait_for
from paykit.money import Money, format_money
from paystream.common.v1 import money_pb2
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc

CALL_S_MAX = 30.0
PIPED_COLUMNS = 160
"""Width where there is no terminal."""

_KIND = "STEP_KIND_"
_ABSENCES = {
    pb.ABSENCE_REASON_NO_ADDRESS: "the order service was not told where it is (PAYSTREAM_PEERS)",
    pb.ABSENCE_REASON_UNREACHABLE: "it does not answer",
    pb.ABSENCE_REASON_FAILED: "it answers with an error",
}


def journey(
    named: Annotated[str, typer.Argument(metavar="ID", help="One of ord_ pay_ cap_ ref_ dsp_ txn_ stl_ wdr_.")],
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    address: Annotated[
        str | None, typer.Option("--address", "-a", help="Of the order service; else the local stack's.")
    ] = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Tell the journey that an id belongs to: what happened in every service, in order of time.

    A service that is away is named on standard error; the rest is told without it.
    """
    answer = _ask(address or _local(home), named)
    if json_:
        typer.echo(json_format.MessageToJson(answer, preserving_proto_field_name=True, ensure_ascii=False))
    else:
        _print(answer)
    for absence in answer.absences:
        typer.echo(f"{absence.service} is missing: {_ABSENCES.get(absence.reason, 'it was not asked')}", err=True)


def lines(step: pb.Step) -> Iterator[tuple[str, str, str, str, str]]:
    """Give the rows of a step: time, what, id, amount, detail; then one for each entry of a transaction."""
    moment = f"{step.time.ToDatetime():%Y-%m-%d %H:%M:%S.%f}"[:-3]
    kind = pb.StepKind.Name(step.kind).removeprefix(_KIND).lower()
    amount = _money(step.amount) if step.HasField("amount") else ""
    yield moment, f"{kind} {step.what}", step.resource_id, amount, step.detail
    for entry in step.entries:
        yield "", "", f"  {entry.account_kind}", _money(entry.effect), ""


def _ask(where: str, named: str) -> pb.GetJourneyResponse:
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            stub = journey_pb2_grpc.JourneyServiceStub(channel)
            answer: pb.GetJourneyResponse = stub.GetJourney(pb.GetJourneyRequest(id=named), timeout=CALL_S_MAX)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
    return answer


def _local(home: addresses.Home) -> str:
    return addresses.services(home).get("order") or addresses.fail("the local stack has no order service")


def _print(answer: pb.GetJourneyResponse) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPED_COLUMNS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, style in (("time", "dim"), ("what", "bold"), ("id", ""), ("amount", ""), ("detail", "dim")):
        table.add_column(name, style=style, justify="right" if name == "amount" else "left", overflow="fold")
    for step in answer.steps:
        for row in lines(step):
            table.add_row(*row)
    console.print(f"{answer.root_id}  journey {answer.correlation_id or 'without a name'}", soft_wrap=True)
    console.print(table)
    for payment_id in answer.payment_ids:
        console.print(f"funds of {payment_id}", soft_wrap=True)
    if answer.truncated:
        console.print("there is more than one answer can hold")


def _money(money: money_pb2.Money) -> str:
    return format_money(Money(money.amount_minor, money.currency_code))
