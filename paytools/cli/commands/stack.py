"""`paystream up`, `down` and `status`: the local stack. `paytools.cli.main` mounts these functions as commands."""

import importlib
from types import ModuleType
from typing import Annotated

import typer

PACKAGE_MISSING_EXIT = 1

Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return when everything serves, and leave it running.")]
PartsOnly = Annotated[bool, typer.Option("--parts-only", help="PostgreSQL, Kafka and the registry, without services.")]
Purge = Annotated[bool, typer.Option("--purge", help="Delete the data as well.")]


def up(detach: Detach = False, parts_only: PartsOnly = False) -> None:
    """Start the stack, or repair what does not serve; without --detach, stay until Ctrl-C and stop it then."""
    _commands().up(detach=detach, parts_only=parts_only)


def down(purge: Purge = False) -> None:
    """Stop the stack. Data stays in .paystream/ unless it is purged."""
    _commands().down(purge=purge)


def status() -> None:
    """Show what runs and whether it serves; exit status 3 unless everything does."""
    _commands().status()


def _commands() -> ModuleType:
    """Import late: an installation that only serves has neither Java nor a PostgreSQL server among its packages."""
    try:
        return importlib.import_module("paytools.cli.stack_runs")
    except ModuleNotFoundError as error:
        typer.echo(f"error: the local stack needs the package {error.name}; scripts/setup.sh installs it", err=True)
        raise typer.Exit(PACKAGE_MISSING_EXIT) from error
