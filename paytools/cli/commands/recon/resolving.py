"""What people look at and decide of `paystream recon`: discrepancies, corrections, and what has not cleared."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.money import Money, format_money
from paykit.serve.auth import CALLER_KEY
from paystream.common.v1 import money_pb2
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for
from paytools.cli.commands.recon import importing

CALL_S_MAX = 10.0
PAGE_SIZE = 200

Where = Annotated[str | None, typer.Option("--address", "-a", help="host:port or unix:/path; else the local stack's.")]
Caller = Annotated[str, typer.Option("--as", help="Your name; who approves must be another.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, 1 to 500 characters.")]
CorrectionId = Annotated[str, typer.Argument(help="crp_ and 32 hexadecimal digits.")]
Limit = Annotated[int, typer.Option(help="Rows to show.", min=1, max=10_000)]

_DISCREPANCIES = ("discrepancy", "kind", "state", "channel", "journey", "expected", "reported", "since", "may end by")
_CORRECTIONS = ("correction", "state", "discrepancy", "debit", "credit", "amount", "proposer", "decider", "reason")
_UNCLEARED = ("account", "merchant", "amount", "belongs to", "held by", "for", "late")

app = typer.Typer(help="Differences between statements and records.", no_args_is_help=True)
app.command("import")(importing.import_file)


@app.command()
def discrepancies(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    channel: Annotated[str, typer.Option(help="Of this channel only.")] = "",
    statement: Annotated[str, typer.Option(help="Of this statement only.")] = "",
    merchant: Annotated[str, typer.Option(help="Of this merchant only.")] = "",
    currency: Annotated[str, typer.Option(help="In this currency only, ISO 4217.")] = "",
    journey: Annotated[str, typer.Option(help="Of this payment, settlement or withdrawal only, by its id.")] = "",
    reference: Annotated[str, typer.Option(help="With this reference of the channel only.")] = "",
    address: Where = None,
    limit: Limit = 1_000,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show what differs, the newest first, and how each can end."""
    state = pb.DISCREPANCY_STATE_UNSPECIFIED if every else pb.DISCREPANCY_STATE_OPEN
    request = pb.ListDiscrepanciesRequest(
        state=state,
        channel=channel,
        statement_id=statement,
        merchant_id=merchant,
        currency_code=currency,
        root_reference=journey,
        channel_reference=reference,
    )
    found = list(pages("ListDiscrepancies", request, "discrepancies", limit=limit, address=address, home=home))
    if found:
        table.echo(_DISCREPANCIES, [_discrepancy(each) for each in found])
    else:
        typer.echo("Nothing differs.")


@app.command()
def resolve(
    discrepancy_id: Annotated[str, typer.Argument(help="dis_ and 32 hexadecimal digits.")],
    action: Annotated[str, typer.Argument(help="CONFIRM_EVIDENCE, PROPOSE_CORRECTION or EXPLAIN.")],
    *,
    reason: Reason,
    caller: Caller,
    debit: Annotated[str, typer.Option(help="Kind of account to debit, with --credit.")] = "",
    credit: Annotated[str, typer.Option(help="Kind of account to credit, with --debit.")] = "",
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """End a discrepancy, or propose how: what moves money waits for another person's `approve`."""
    try:
        wanted = pb.ResolutionAction.Value(f"RESOLUTION_ACTION_{action.upper()}")
    except ValueError:
        raise typer.BadParameter(f"there is no action {action}") from None
    request = pb.ResolveDiscrepancyRequest(
        request_id=str(uuid.uuid4()),
        discrepancy_id=discrepancy_id,
        action=wanted,
        reason=reason,
        debit_account_kind=debit,
        credit_account_kind=credit,
    )
    response = ask("ResolveDiscrepancy", request, caller, address, home)
    if response.HasField("correction"):
        table.echo(_CORRECTIONS, [_correction(response.correction)])
    else:
        typer.echo(f"{discrepancy_id} is over.")


@app.command()
def approve(
    correction_id: CorrectionId,
    *,
    caller: Caller,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, up to 500 characters.")] = "",
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Approve a correction that another proposed."""
    request = pb.ApproveCorrectionRequest(request_id=str(uuid.uuid4()), correction_id=correction_id, reason=reason)
    table.echo(_CORRECTIONS, [_correction(ask("ApproveCorrection", request, caller, address, home).correction)])


@app.command()
def reject(
    correction_id: CorrectionId,
    *,
    reason: Reason,
    caller: Caller,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Reject a correction that another proposed."""
    request = pb.RejectCorrectionRequest(request_id=str(uuid.uuid4()), correction_id=correction_id, reason=reason)
    table.echo(_CORRECTIONS, [_correction(ask("RejectCorrection", request, caller, address, home).correction)])


@app.command()
def corrections(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that wait for nobody.")] = False,
    address: Where = None,
    limit: Limit = 1_000,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show the corrections that wait for another person, the newest first."""
    state = pb.CORRECTION_STATE_UNSPECIFIED if every else pb.CORRECTION_STATE_PROPOSED
    request = pb.ListCorrectionsRequest(state=state)
    found = list(pages("ListCorrections", request, "corrections", limit=limit, address=address, home=home))
    if found:
        table.echo(_CORRECTIONS, [_correction(each) for each in found])
    else:
        typer.echo("No correction waits for anybody.")


@app.command()
def uncleared(
    *,
    kind: Annotated[str, typer.Option(help="On accounts of this kind only, as in suspense.")] = "",
    currency: Annotated[str, typer.Option(help="In this currency only.")] = "",
    merchant: Annotated[str, typer.Option(help="On accounts of this merchant only.")] = "",
    late: Annotated[bool, typer.Option("--late", help="Only what should have cleared.")] = False,
    address: Where = None,
    limit: Limit = 1_000,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show what has not cleared on accounts that money only passes through, and who holds it, the oldest first."""
    request = pb.ListUnclearedRequest(account_kind=kind, currency_code=currency, merchant_id=merchant, overdue=late)
    found = list(pages("ListUncleared", request, "amounts", limit=limit, address=address, home=home))
    if found:
        table.echo(_UNCLEARED, [_uncleared(each) for each in found])
    else:
        typer.echo("Everything has cleared.")


def service_address(address: str | None, home: Path) -> str:
    """Return where the reconciliation service answers."""
    return address or addresses.services(home).get("reconciliation") or addresses.fail("reconciliation does not run")


def ask(method: str, request: Any, caller: str, address: str | None, home: Path) -> Any:
    """Make one call under the caller's name."""
    where = service_address(address, home)
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            stub = reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(channel)
            return getattr(stub, method)(request, timeout=CALL_S_MAX, metadata=((CALLER_KEY, caller),))
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))


def pages(method: str, request: Any, field: str, *, limit: int, address: str | None, home: Path) -> Iterator[Any]:
    """Read page after page, up to a number of rows."""
    where, left = service_address(address, home), limit
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        stub = reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(channel)
        while left:
            request.page_size = min(left, PAGE_SIZE)
            try:
                response = getattr(stub, method)(request, timeout=CALL_S_MAX)
            except grpc.RpcError as error:
                addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
            page = getattr(response, field)
            yield from page
            left -= len(page)
            request.page_token = response.next_page_token
            if not request.page_token:
                return


def _discrepancy(found: pb.Discrepancy) -> tuple[str, ...]:
    actions = [pb.ResolutionAction.Name(each).removeprefix("RESOLUTION_ACTION_") for each in found.possible_actions]
    elsewhere = [f"paystream contradictions: {found.contradiction_id}"] if found.contradiction_id else []
    return (
        found.discrepancy_id,
        pb.DiscrepancyKind.Name(found.kind).removeprefix("DISCREPANCY_KIND_"),
        pb.DiscrepancyState.Name(found.state).removeprefix("DISCREPANCY_STATE_"),
        found.channel,
        found.root_reference or found.evidence_id,
        _amount(found.expected),
        _amount(found.reported),
        _moment(found.create_time),
        " ".join(actions or elsewhere),
    )


def _amount(amount: money_pb2.Money | money_pb2.SignedMoney) -> str:
    return format_money(Money(amount.amount_minor, amount.currency_code)) if amount.currency_code else ""


def _moment(time: Timestamp) -> str:
    """Show a moment of business time, which a development stack may have moved ahead of this machine's."""
    return time.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S")


def _correction(found: pb.Correction) -> tuple[str, ...]:
    return (
        found.correction_id,
        pb.CorrectionState.Name(found.state).removeprefix("CORRECTION_STATE_"),
        found.discrepancy_id,
        found.debit_account_kind,
        found.credit_account_kind,
        _amount(found.amount),
        found.proposer,
        found.decider,
        found.refusal or found.reason,
    )


def _uncleared(found: pb.UnclearedAmount) -> tuple[str, ...]:
    return (
        found.account_kind,
        found.merchant_id,
        format_money(Money(int(found.amount_minor), found.currency_code)),
        found.reference,
        found.root_reference,
        _moment(found.since_time),
        "late" if found.overdue else "",
    )
