"""`paystream journey`: all that became of an order or payment, as one story."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Annotated

import grpc
import typer
from google.protobuf import json_format
from rich.console import Console
from rich.text import Text

from paykit.money import Money, format_money
from paystream.common.v1 import money_pb2
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc
from paytools.cli import addresses
from paytools.cli.commands.call import refusal_lines, wait_for

CALL_S_MAX = 30.0
PIPED_COLUMNS = 120
"""Width where there is no terminal."""

_KIND = "STEP_KIND_"
_GAP = 2
_ABSENCES = {
    pb.ABSENCE_REASON_NO_ADDRESS: "the journey service was not told where it is (PAYSTREAM_PEERS)",
    pb.ABSENCE_REASON_UNREACHABLE: "it does not answer",
    pb.ABSENCE_REASON_FAILED: "it answers with an error",
}


def journey(
    named: Annotated[str, typer.Argument(metavar="ID", help="One of ord_ pay_ cap_ ref_ dsp_ txn_ stl_ wdr_.")],
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    address: Annotated[
        str | None, typer.Option("--address", "-a", help="Of the journey service; else the local stack's.")
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


def story_lines(steps: Sequence[pb.Step], columns: int) -> Iterator[Text]:
    """Return the lines of a story, none longer than `columns` where these are 120 and details are short.

    A day stands above its steps; below a step stand a detail that does not fit beside it, and a transaction's entries.
    """
    heads = [_head(step) for step in steps]
    entries = [[_entry(entry) for entry in step.entries] for step in steps]
    rows = [*heads, *(row for some in entries for row in some)]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    day = ""
    for step, head, legs in zip(steps, heads, entries, strict=True):
        if (new := f"{step.occur_time.ToDatetime():%Y-%m-%d}") != day:
            day = new
            yield Text(day, style="dim")
        line = _line(head, widths)
        if step.detail and len(line) + _GAP + len(step.detail) <= columns:
            yield line.append(" " * _GAP + step.detail, style="dim")
        else:
            yield line
            if step.detail:
                yield _line(("", "", step.detail, ""), widths)
        yield from (_line(leg, widths) for leg in legs)


def _line(row: tuple[str, str, str, str], widths: Sequence[int]) -> Text:
    moment, what, named, amount = row
    gap = " " * _GAP
    return Text.assemble(
        (f"{moment:{widths[0]}}{gap}", "dim"),
        (f"{what:{widths[1]}}{gap}", "bold"),
        f"{named:{widths[2]}}{gap}{amount:>{widths[3]}}",
    )


def _head(step: pb.Step) -> tuple[str, str, str, str]:
    """Return time, what, id and amount of a step."""
    kind = pb.StepKind.Name(step.kind).removeprefix(_KIND).lower()
    amount = _money(step.amount) if step.HasField("amount") else ""
    return f"{step.occur_time.ToDatetime():%H:%M:%S.%f}"[:-3], f"{kind} {step.what}", step.resource_id, amount


def _entry(entry: pb.JournalEntry) -> tuple[str, str, str, str]:
    return "", "", f"  {entry.account_kind}", _money(entry.effect)


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
    return addresses.services(home).get("journey") or addresses.fail("the local stack has no journey service")


def _print(answer: pb.GetJourneyResponse) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPED_COLUMNS)
    console.print(f"{answer.root_id}  journey {answer.correlation_id or 'without a name'}", soft_wrap=True)
    for line in story_lines(answer.steps, console.width):
        line.rstrip()
        console.print(line, soft_wrap=True)
    for payment_id in answer.payment_ids:
        console.print(f"funds of {payment_id}", soft_wrap=True)
    if answer.truncated:
        console.print("there is more than one answer can hold")


def _money(money: money_pb2.SignedMoney) -> str:
    return format_money(Money(money.amount_minor, money.currency_code))
