"""What `paystream up`, `down` and `status` do; `paytools.cli.commands.stack` declares the commands themselves."""

import asyncio
import contextlib
import json
import signal
import uuid
from collections.abc import Iterator
from types import FrameType

import typer
from pydantic import ValidationError
from rich.console import Console

from paytools.cli import consumer_status, local
from paytools.localstack import Endpoints, Stack
from paytools.localstack.artifacts import ArtifactError
from paytools.localstack.parts.part import PartFailedError
from paytools.localstack.progress import Display
from paytools.localstack.settings import PREFIX, SERVICES, StackSettings
from paytools.localstack.stack import Outcome

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_SERVING = 3


def up(*, detach: bool, parts_only: bool) -> None:
    """Start or repair the stack, say what happened, and stay with a new one unless `detach`."""
    console = Console()
    services = () if parts_only else SERVICES
    with reported_errors(), terminate_as_interrupt():
        with Display(console) as display:
            outcome = Stack(services=services, progress=display).up(tied_to_caller=not detach)
        stays = outcome.fresh and not detach
        try:
            _print_outcome(console, outcome)
            if stays:
                console.print("running; press Ctrl-C to stop")
                Stack(services=services).wait()
        finally:
            if stays:
                _stop(console, purge=False)


def down(*, purge: bool) -> None:
    """Stop whatever runs and say whether anything did."""
    console = Console()
    with reported_errors():
        stopped = _stop(console, purge=purge)
        console.print("stopped" if stopped else "not running: nothing to stop")
        if purge:
            console.print(f"deleted the data in {StackSettings().home}", soft_wrap=True)


def status() -> None:
    """Show every part.

    Raises:
        typer.Exit: With status 3 unless everything serves.
    """
    console = Console()
    with reported_errors():
        parts = Stack().status()
    if not parts:
        console.print("not running")
        raise typer.Exit(EXIT_NOT_SERVING)
    for part in parts:
        state = "serves" if part.serves else "[red]does not serve[/red]"
        process = f"process {part.pid}" if part.pid else "external"
        console.print(f"{part.name:<12} {state:<15} {process:<16} {_public(part.endpoint)}", soft_wrap=True)
    services = [part.name for part in parts if part.name in SERVICES]
    for line in asyncio.run(consumer_status.lines(local.settings(StackSettings().home), services)) if services else ():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not all(part.serves for part in parts):
        raise typer.Exit(EXIT_NOT_SERVING)


def _stop(console: Console, *, purge: bool) -> tuple[str, ...]:
    with Display(console) as display:
        return Stack(progress=display).down(purge=purge)


def _print_outcome(console: Console, outcome: Outcome) -> None:
    if not outcome.started:
        console.print("already running: nothing to do")
    elif not outcome.fresh:
        console.print(f"repaired: {', '.join(outcome.started)}")
    _print_endpoints(console, outcome.endpoints)


def _print_endpoints(console: Console, endpoints: Endpoints) -> None:
    servers = {"postgres": _public(endpoints.postgres), "kafka": endpoints.kafka, "registry": endpoints.registry}
    in_front = {"gateway": endpoints.gateway} if endpoints.gateway else {}
    addresses = {**servers, **endpoints.services, **in_front}
    for name, address in addresses.items():
        console.print(f"{name:<12} {address}", highlight=False)
    console.print(f"{'all of it':<12} {StackSettings().home / 'endpoints.json'}", highlight=False, soft_wrap=True)
    for line in lines_to_try(endpoints):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def lines_to_try(endpoints: Endpoints) -> list[str]:
    """Return commands that can be pasted into a shell; none where the services do not run."""
    if not endpoints.services:
        return []
    merchant = json.dumps(
        {
            "request_id": str(uuid.uuid4()),
            "display_name": "Corner Shop",
            "contact_email": "owner@shop.example",
            "fee_plan": {"fees": [{"currency_code": "USD", "basis_points": 290, "fixed_minor": 30}]},
        }
    )
    return [
        "",
        "to try it (README.md goes on from here to a payment and its ledger entries):",
        f"  grpcurl -plaintext {endpoints.services['payment']} list",
        f"  grpcurl -plaintext -d '{merchant}' \\",
        f"    {endpoints.services['merchant']} paystream.merchant.v1.MerchantOperationsService/CreateMerchant",
        f"  grpcurl -plaintext {endpoints.services['accounting']} \\",
        "    paystream.accounting.v1.AccountingOperationsService/ListAllTransactions",
        *(
            [f"  curl {endpoints.gateway}/operations/v1/transactions    # the same over HTTP: docs/http.md"]
            if endpoints.gateway
            else []
        ),
    ]


def _public(endpoint: str) -> str:
    """Leave the password out of what is shown; endpoints.json has it, for its owner alone."""
    scheme, separator, rest = endpoint.rpartition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}{separator}{user.partition(':')[0]}{'@' if user else ''}{host}"


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
    """Show what a person can act on as text instead of a traceback."""
    try:
        yield
    except (PartFailedError, ArtifactError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from error
    except ValidationError as error:
        for problem in error.errors():
            variable = "".join(f"{PREFIX}{part}: ".upper() for part in problem["loc"])
            typer.echo(f"error: {variable}{problem['msg'].removeprefix('Value error, ')}", err=True)
        raise typer.Exit(EXIT_USAGE) from error


@contextlib.contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that a supervisor's stop is as clean as a person's."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
