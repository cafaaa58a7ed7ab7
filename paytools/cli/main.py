"""The `paystream` command: its map, and what its exit statuses mean.

Only the module of the command that is asked for is imported, so that `paystream --help` answers at once and a service's
process does not load the local stack.

Exit statuses: 0 done; 1 it could not be done or was refused, one line on standard error says why; 2 the command line or
the configuration is wrong; 3 (`paystream status`) not everything serves; 130 interrupted.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from paykit.base import importing

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_EPILOG = "Exit status: 0 done, 1 failed or refused, 2 wrong usage or configuration, 3 not everything serves."
_WITH_SERVICES = frozenset({
    "serve", "db", "events", "dlq", "consumers", "outbox", "rebuild", "settlement", "recon", "gateway", "ledger",
})  # fmt: skip
"""Commands that import services, and with them the libraries which `importing` has start sooner."""
_COMPLETION_VARIABLE = "_PAYSTREAM_COMPLETE"


@dataclass(frozen=True)
class Entry:
    """One command and where it lives: the module's typer application, else its function of the command's name."""

    name: str
    module: str
    help: str


ENTRIES = (
    Entry("up", "stack", "Start the local stack, or repair what does not serve."),
    Entry("down", "stack", "Stop the local stack."),
    Entry("status", "stack", "Show what of the local stack runs and serves."),
    Entry("demo", "demo", "Run the whole line on a stack of its own and show what comes of it."),
    Entry("serve", "serve", "Run services until told to stop."),
    Entry("call", "call", "Call a method of a running service, found by reflection."),
    Entry("db", "db", "Make and migrate the services' schemas in PostgreSQL."),
    Entry("topics", "topics", "The Kafka topics."),
    Entry("schemas", "schemas", "The event schemas: rules, publication, registry."),
    Entry("events", "events", "The events on Kafka."),
    Entry("dlq", "delivery.dlq", "A service's dead letters: look, replay, discard."),
    Entry("consumers", "delivery.consumers", "A service's consumers: positions, lag, halts; resume, skip, adopt."),
    Entry("outbox", "delivery.outbox", "A service's events that Kafka refuses: look, try now."),
    Entry("journey", "journey", "All that became of an order or payment, in every service, in order of time."),
    Entry("stats", "oversight.stats", "What was paid, refunded, settled and paid out, drawn in the terminal."),
    Entry("mail", "oversight.mail", "The mails that the local stack has kept."),
    Entry("rebuild", "rebuild", "Rebuild a service's projections from their events, or compare them."),
    Entry("clock", "clock", "The clock of business time, on a development stack."),
    Entry("settlement", "settlement", "Verify settlements and write their reports."),
    Entry("payments", "oversight.payments", "Payments whose outcome is overdue."),
    Entry("contradictions", "oversight.contradictions", "What channels said against what is recorded."),
    Entry("recon", "recon.reporting", "Differences between statements and records, and what has not cleared."),
    Entry(
        "webhooks", "oversight.webhooks", "Webhooks: endpoints, deliveries, replays, and a receiver to try them with."
    ),
    Entry("gateway", "gateway", "JSON over HTTP: what Envoy is told, to run it anywhere."),
    Entry("ledger", "ledger", "The books: balances, and whether they are right."),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what a user can cause ends in one line on standard error, never in a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        application(_wanted(given))(given, prog_name="paystream")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        status = _status_of(error)
        if status is None:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(status)


def application(wanted: str | None) -> typer.Typer:
    """Make the typer application with one command loaded and the others known by name; all loaded for None."""
    app = typer.Typer(
        help="An open, self-hostable payments back end.",
        epilog=_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_begin)
    for entry in ENTRIES:
        if wanted in (None, entry.name):
            _mount(app, entry)
        else:
            app.command(entry.name, help=entry.help)(_no_command)
    return app


def _mount(app: typer.Typer, entry: Entry) -> None:
    with importing.quickly(*(importing.PREFERRING if entry.name in _WITH_SERVICES else ())):
        module = importlib.import_module(f"paytools.cli.commands.{entry.module}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=entry.name, help=entry.help)
    else:
        app.command(entry.name)(getattr(module, entry.name))


def _wanted(given: Sequence[str]) -> str | None:
    """Return the command's name; None while a shell completes a line, which may be any command's."""
    if os.environ.get(_COMPLETION_VARIABLE):  # Set by shells, not a setting of paystream.
        return None
    return next((argument for argument in given if not argument.startswith("-")), "")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # noqa: PLC0415 - reads the installation, which no other command needs

        typer.echo(f"paystream {metadata.version('paystream')}")
        raise typer.Exit


def _begin(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Stand for what comes before every command."""


def _no_command() -> None:
    """Do nothing: this stands for commands that are not the one asked for."""


def _status_of(error: Exception) -> int | None:
    """Say how an error ends the command; None for a defect, whose traceback is wanted."""
    # Whatever raised these has imported the modules already.
    from paykit.base.config import ConfigurationError  # noqa: PLC0415
    from paykit.base.errors import UnavailableError  # noqa: PLC0415
    from paykit.errors import DomainError  # noqa: PLC0415
    from paykit.process.catalogue import ServiceUnknownError  # noqa: PLC0415

    if isinstance(error, (ConfigurationError, ServiceUnknownError)):
        return EXIT_USAGE
    return EXIT_FAILED if isinstance(error, (DomainError, UnavailableError, OSError)) else None


if __name__ == "__main__":
    main()
