"""`paystream call <service>/<method>`: a method of a running service, by reflection, JSON in and JSON out."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from paytools.cli import addresses, reflection

CONNECT_S_MAX = 5.0
LOOK_S_MAX = 1.0
"""How long one of several servers may take to be reached, where any may have what is wanted."""
_EXIT_USAGE = 2


def call(
    method: Annotated[
        str | None,
        typer.Argument(help="As in payment/CreatePayment or paystream.payment.v1.PaymentService/CreatePayment."),
    ] = None,
    *,
    data: Annotated[str, typer.Option("--data", "-d", help="The request as JSON; @ reads standard input.")] = "{}",
    address: Annotated[
        str | None, typer.Option("--address", "-a", help="host:port or unix:/path; else the local stack's.")
    ] = None,
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help='Metadata, as in "key: value".')] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for the whole call.", min=0.001)] = 10.0,
    list_: Annotated[bool, typer.Option("--list", "-l", help="List the methods instead.")] = False,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Call a method of a running service and print its reply as JSON.

    A refusal is printed on standard error with its reason and the fields at fault, and ends with status 1.
    """
    if list_:
        _list({"": address} if address else addresses.services(home))
    elif method is None or "/" not in method:
        raise typer.BadParameter("name a method as <service>/<method>, or say --list")
    else:
        where = address or _address_of(method, home)
        with closing(grpc.insecure_channel(where)) as channel:
            wait_for(channel, where)
            run(
                channel, method, data=sys.stdin.read() if data == "@" else data, headers=header or [], timeout_s=timeout
            )


def run(channel: grpc.Channel, method: str, *, data: str, headers: list[str], timeout_s: float) -> None:
    """Call a method over a channel and print the replies.

    Raises:
        typer.Exit: The call was refused (1), or is not one that can be made (2); standard error says why.
    """
    metadata = [_metadatum(header) for header in headers]
    try:
        server = reflection.Server(channel)
        for reply in server.call(server.find(method), data, metadata=metadata, timeout_s=timeout_s):
            typer.echo(reply)
    except (reflection.NotOfferedError, reflection.RequestTextError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_EXIT_USAGE) from error
    except grpc.RpcError as error:
        for line in refusal_lines(error):
            typer.echo(line, err=True)
        raise typer.Exit(addresses.EXIT_FAILED) from error


def refusal_lines(error: grpc.RpcError) -> list[str]:
    """Describe a failed call for a person: code, reason and message first, then the facts, one on a line."""
    received: Any = error.trailing_metadata()
    trailers: dict[str, Any] = dict(received or ())
    described = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for packed in described.details:
        packed.Unpack(info) or packed.Unpack(bad) or packed.Unpack(retry)
    lines = [f"error: {error.code().name} {info.reason}".rstrip() + f": {error.details()}"]
    lines += [f"  {violation.field}: {violation.description}" for violation in bad.field_violations]
    lines += [f"  {key} = {value}" for key, value in sorted(info.metadata.items())]
    if retry.HasField("retry_delay"):
        lines.append(f"  try again after {retry.retry_delay.ToJsonString()}")
    if "x-correlation-id" in trailers:
        lines.append(f"  correlation id {trailers['x-correlation-id']}")
    return lines


def _list(places: dict[str, str]) -> None:
    for where in dict.fromkeys(places.values()):
        with closing(grpc.insecure_channel(where)) as channel:
            wait_for(channel, where)
            for method in reflection.Server(channel).methods():
                typer.echo(f"{where}\t{method.containing_service.full_name}/{method.name}")


def _address_of(method: str, home: Path) -> str:
    """Find the local service that a method's name starts with: the part before the version, as in `payment`."""
    wanted = method.rpartition("/")[0]
    local = addresses.services(home)
    names = reflection.service_names(wanted)
    matching = [where for name, where in local.items() if name in names or _named(wanted, name)]
    # A proto service may be served beside another: the ClockService by all of them, and any in a process of several.
    matching = matching or [where for where in dict.fromkeys(local.values()) if _offered(where, wanted)][:1]
    if not matching:
        addresses.fail(f"the local stack has no service for {wanted!r} (it has {', '.join(local)}); give --address")
    return matching[0]


def _offered(where: str, wanted: str) -> bool:
    with closing(grpc.insecure_channel(where)) as channel:
        try:
            offered = reflection.Server(channel).services() if _answers(channel, LOOK_S_MAX) else []
        except grpc.RpcError:
            return False
        return any(wanted in reflection.service_names(name) for name in offered)


def _named(wanted: str, name: str) -> bool:
    return wanted.lower() == f"{name}service"


def wait_for(channel: grpc.Channel, where: str) -> None:
    """Wait until somebody answers.

    Raises:
        typer.Exit: Nobody did within CONNECT_S_MAX.
    """
    if not _answers(channel, CONNECT_S_MAX):
        addresses.fail(f"nothing answers at {where}")


def _answers(channel: grpc.Channel, seconds: float) -> bool:
    """Return whether somebody answers in time.

    A call is made instead of watching the connection, for which a thread stays that takes a fifth of a second to end.
    """
    health: Any = health_pb2_grpc.HealthStub(channel)
    try:
        health.Check(health_pb2.HealthCheckRequest(), timeout=seconds, wait_for_ready=True)
    except grpc.RpcError as error:  # A server may well know nothing of health.
        return error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    return True


def _metadatum(header: str) -> tuple[str, str]:
    key, separator, value = header.partition(":")
    if not separator or not key.strip():
        raise typer.BadParameter(f'a header is "key: value", not {header!r}')
    return key.strip().lower(), value.strip()
