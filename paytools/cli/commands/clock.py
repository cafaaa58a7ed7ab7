"""`paystream clock`: look at business time on a development stack, and let it pass."""

import re
import uuid
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from paystream.clock.v1 import clock_pb2 as pb
from paystream.clock.v1 import clock_pb2_grpc
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for

CALL_S_MAX = 10.0

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SPAN = re.compile(r"(?:\d{1,9}[wdhms])+", re.ASCII)

Clocks = dict[str, list[pb.ServiceClock]]
"""By address."""

app = typer.Typer(help="The clock of business time, on a development stack.", no_args_is_help=True)


@app.command()
def show(home: addresses.Home = addresses.DEFAULT_HOME) -> None:
    """Show each service's business time, and how far it is ahead of real time."""
    _print(_read(_places(home)))


@app.command()
def advance(
    by: Annotated[str, typer.Argument(help="How long: 26h, 3d, 1d12h, 90m, 2w, 15s.")],
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Move the clocks of all running services forward, to the same distance from real time.

    Cut-offs, expiries and releases that fall into the time that passed happen at once. Time does not go back.
    """
    step = parse_span(by)
    before = _read(_places(home))
    target = max(_offset(clock) for clocks in before.values() for clock in clocks) + step
    # A service that missed an earlier advance catches up.
    missing = {where: target - min(map(_offset, clocks)) for where, clocks in before.items()}
    _print({where: _advance(where, span) for where, span in missing.items()})


def parse_span(text: str) -> timedelta:
    """Read a span of time such as 1d12h.

    Raises:
        typer.BadParameter: It is none, or is no time at all.
    """
    if _SPAN.fullmatch(text) is None:
        raise typer.BadParameter(f"{text!r} is no span of time such as 26h, 3d, 1d12h, 90m, 2w or 15s")
    try:
        span = sum((timedelta(**{_UNITS[piece[-1]]: int(piece[:-1])}) for piece in _pieces(text)), timedelta())
    except OverflowError as error:
        raise typer.BadParameter(f"{text!r} is too long") from error
    if not span:
        raise typer.BadParameter(f"{text!r} is no time at all")
    return span


def _pieces(text: str) -> Iterable[str]:
    return re.findall(r"\d+[wdhms]", text)


def _places(home: Path) -> list[str]:
    """Return each address once: several services may answer at one."""
    return list(dict.fromkeys(addresses.services(home).values())) or addresses.fail("no service runs")


def _read(places: Iterable[str]) -> Clocks:
    """Ask for the clocks; where no service keeps any, there is none to move."""
    clocks = {where: _ask(where, "GetClock", pb.GetClockRequest()) for where in places}
    return {where: shown for where, shown in clocks.items() if shown} or addresses.fail("no service has a clock")


def _advance(where: str, span: timedelta) -> list[pb.ServiceClock]:
    request = pb.AdvanceClockRequest(request_id=str(uuid.uuid4()))
    request.advance_by.FromTimedelta(span)
    return _ask(where, "AdvanceClock", request)


def _ask(where: str, method: str, request: Any) -> list[pb.ServiceClock]:
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            stub = clock_pb2_grpc.ClockServiceStub(channel)
            return list(getattr(stub, method)(request, timeout=CALL_S_MAX).clocks)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                addresses.fail(f"{where} knows real time alone: its PAYSTREAM_ENVIRONMENT is not development")
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))


def _offset(clock: pb.ServiceClock) -> timedelta:
    return clock.offset.ToTimedelta()


def _print(clocks: Clocks) -> None:
    rows = sorted(
        (clock.service, _moment(clock), str(_offset(clock)))
        for service_clocks in clocks.values()
        for clock in service_clocks
    )
    table.echo(("service", "business time", "ahead of real time by"), rows)


def _moment(clock: pb.ServiceClock) -> str:
    return f"{clock.business_time.ToDatetime():%Y-%m-%dT%H:%M:%SZ}"
