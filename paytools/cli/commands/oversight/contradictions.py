"""`paystream contradictions`: what channels said against what is recorded, and what people decide about it."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import grpc
import typer

from paykit.money import Money, format_money
from paykit.serve.auth import CALLER_KEY
from paystream.common.v1 import contradiction_pb2 as pb
from paystream.payment.v1 import payment_pb2, payment_pb2_grpc
from paystream.withdrawal.v1 import withdrawal_pb2, withdrawal_pb2_grpc
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for

CALL_S_MAX = 10.0
PAGE_SIZE = 200
_HEADER = ("contradiction", "kind", "state", "merchant", "subject", "amount", "in suspense", "since", "may end by")

# Of each service that has contradictions: its messages and its stub.
SERVICES: Mapping[str, tuple[Any, Any]] = MappingProxyType(
    {
        "payment": (payment_pb2, payment_pb2_grpc.PaymentOperationsServiceStub),
        "withdrawal": (withdrawal_pb2, withdrawal_pb2_grpc.WithdrawalOperationsServiceStub),
    }
)

Where = Annotated[str | None, typer.Option("--address", "-a", help="host:port or unix:/path; else the local stack's.")]
Which = Annotated[str, typer.Option("--service", "-s", help="Whose: payment or withdrawal.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, 1 to 500 characters.")]
Caller = Annotated[str, typer.Option("--as", help="Your name; who approves must be another.")]
ContradictionId = Annotated[str, typer.Argument(help="ctr_ and 32 hexadecimal digits.")]

app = typer.Typer(help="Look after contradictions.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look after contradictions."""


@app.command(name="list")
def list_(
    *,
    service: Annotated[str | None, typer.Option("--service", "-s", help="Whose; else of every service.")] = None,
    address: Where = None,
    merchant: Annotated[str, typer.Option(help="Of this merchant only.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that wait for nobody.")] = False,
    limit: Annotated[int, typer.Option(help="Contradictions to show, of each service.", min=1, max=10_000)] = 1_000,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show what waits for people, the newest first; payouts of these merchants and currencies wait as well."""
    rows: list[tuple[str, ...]] = []
    for name in [service] if service else SERVICES:
        with closing(grpc.insecure_channel(_address(name, address, home))) as channel:
            messages, stub = _known(name)
            rows += [
                _row(found) for found in _read(messages, stub(channel), merchant=merchant, every=every, limit=limit)
            ]
    if rows:
        table.echo(_HEADER, rows)
    else:
        typer.echo("Nothing waits for anybody.")


@app.command()
def propose(
    contradiction_id: ContradictionId,
    resolution: Annotated[str, typer.Argument(help="NONE, CHARGE_MERCHANT, WRITE_OFF or ACCEPT.")],
    *,
    reason: Reason,
    caller: Caller,
    service: Which = "payment",
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Propose how a contradiction ends."""
    try:
        wanted = pb.ContradictionResolution.Value(f"CONTRADICTION_RESOLUTION_{resolution.upper()}")
    except ValueError:
        raise typer.BadParameter(f"there is no resolution {resolution}") from None
    where = _address(service, address, home)
    fields = {"contradiction_id": contradiction_id, "resolution": wanted, "reason": reason}
    _ask("ProposeResolution", service, where, caller, **fields)


@app.command()
def approve(
    contradiction_id: ContradictionId,
    caller: Caller,
    service: Which = "payment",
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Approve what another proposed."""
    _ask("ApproveResolution", service, _address(service, address, home), caller, contradiction_id=contradiction_id)


@app.command()
def reject(
    contradiction_id: ContradictionId,
    *,
    reason: Reason,
    caller: Caller,
    service: Which = "payment",
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Reject what another proposed, for a reason."""
    where = _address(service, address, home)
    _ask("RejectResolution", service, where, caller, contradiction_id=contradiction_id, reason=reason)


def _known(service: str) -> tuple[Any, Any]:
    known = SERVICES.get(service)
    if known is None:
        raise typer.BadParameter(f"{service} has no contradictions; {', '.join(SERVICES)} have")
    return known


def _address(service: str, address: str | None, home: Path) -> str:
    _known(service)
    return address or addresses.services(home).get(service) or addresses.fail(f"{service} does not run")


def _ask(method: str, service: str, where: str, caller: str, **fields: Any) -> None:
    """Make one call under the caller's name, and show the contradiction as it leaves it."""
    messages, stub = _known(service)
    request = getattr(messages, f"{method}Request")(request_id=str(uuid.uuid4()), **fields)
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            metadata = ((CALLER_KEY, caller),)
            response = getattr(stub(channel), method)(request, timeout=CALL_S_MAX, metadata=metadata)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
    table.echo(_HEADER, [_row(response.contradiction)])


def _read(messages: Any, stub: Any, *, merchant: str, every: bool, limit: int) -> Iterator[pb.Contradiction]:
    """Read page after page, up to a number of contradictions."""
    token, left = "", limit
    while left:
        request = messages.ListContradictionsRequest(
            merchant_id=merchant, page_size=min(left, PAGE_SIZE), page_token=token
        )
        try:
            response = stub.ListContradictions(request, timeout=CALL_S_MAX)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
        shown = [found for found in response.contradictions if every or _waits(found)]
        yield from shown[:left]
        token, left = response.next_page_token, left - len(shown[:left])
        if not token:
            return


def _waits(found: pb.Contradiction) -> bool:
    return found.state in (pb.CONTRADICTION_STATE_OPEN, pb.CONTRADICTION_STATE_PROPOSED)


def _row(found: pb.Contradiction) -> tuple[str, ...]:
    age = datetime.now(UTC) - found.create_time.ToDatetime(tzinfo=UTC)
    choices = [pb.ContradictionResolution.Name(one) for one in found.possible_resolutions]
    return (
        found.contradiction_id,
        pb.ContradictionKind.Name(found.kind).removeprefix("CONTRADICTION_KIND_"),
        pb.ContradictionState.Name(found.state).removeprefix("CONTRADICTION_STATE_"),
        found.merchant_id,
        found.subject_id,
        format_money(Money(found.amount.amount_minor, found.amount.currency_code)),
        str(found.suspense_minor),
        str(age).partition(".")[0],
        " ".join(choice.removeprefix("CONTRADICTION_RESOLUTION_") for choice in choices),
    )
