"""`paystream gateway config`: what Envoy is told, to run the gateway anywhere."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from paykit.process.catalogue import service_names
from paytools.cli import addresses
from paytools.gateway.configuration import configuration
from paytools.gateway.contracts import AUDIENCES

app = typer.Typer(help="The gateway: JSON over HTTP and gRPC-Web, by Envoy.", no_args_is_help=True)

AUDIENCES_OUTSIDE = ("merchants", "operators", "channels")
"""By default: what is for tests has no place where money is real."""

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")

Listen = Annotated[str, typer.Option("--listen", help="host:port of the gateway.")]
Services = Annotated[list[str], typer.Option("--service", help="NAME=host:port; once for each service to lead to.")]
Audiences = Annotated[
    list[str] | None,
    typer.Option(
        "--audience", help=f"Whose calls to let through, of {', '.join(AUDIENCES)}; all but tests by default."
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", help="Regular expression of the origins whose pages may call; none by default."),
]
Out = Annotated[Path | None, typer.Option("--out", help="File to write; standard output without.")]


@app.callback()
def _only_commands() -> None:
    """Keep `config` a word of its own."""


@app.command()
def config(
    service: Services,
    listen: Listen = "127.0.0.1:8080",
    audience: Audiences = None,
    allow_origin: Origins = None,
    out: Out = None,
) -> None:
    """Write Envoy's configuration, with the contracts of this installation in it; JSON, which Envoy reads as YAML."""
    told = configuration(
        _addresses(service),
        listen=_address(listen, "--listen"),
        audiences=_known(audience or AUDIENCES_OUTSIDE),
        origins=[_expression(each) for each in allow_origin or ()],
    )
    if out is None:
        typer.echo(json.dumps(told, indent=1))
    else:
        out.write_text(json.dumps(told), encoding="utf-8")


def _addresses(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, _, address = each.partition("=")
        if name not in service_names():
            addresses.fail(f"--service {each}: no service is called {name}; there are {', '.join(service_names())}")
        if name in found:
            addresses.fail(f"--service {each}: {name} has an address already")
        found[name] = _address(address, f"--service {each}")
    return found


def _address(given: str, option: str) -> str:
    parts = _ADDRESS.fullmatch(given)
    if parts is None or not 0 < int(parts["port"]) < 2**16:
        addresses.fail(f"{option}: an address is host:port, as in 127.0.0.1:8080")
    return given


def _known(given: Sequence[str]) -> Sequence[str]:
    unknown = [each for each in given if each not in AUDIENCES]
    if unknown:
        addresses.fail(f"--audience {unknown[0]}: there are {', '.join(AUDIENCES)}")
    return given


def _expression(given: str) -> str:
    try:
        re.compile(given)
    except re.error as error:
        addresses.fail(f"--allow-origin {given}: no regular expression: {error}")
    return given
