"""`paystream demo`: everything once, from a request to the ledger's balance, on a stack that is gone afterwards."""

import importlib

import typer

EXIT_FAILED = 1


def demo() -> None:
    """Run the line on a stack of its own, from orders to the merchants' bank, and show what came of it.

    Leaves nothing running. Ends with status 1, and says why, when anything is not as it must be.
    """
    try:
        # Imported late: an installation that only serves has neither Java nor a PostgreSQL server among its packages.
        importlib.import_module("paytools.cli.demo_runs").demo()
    except ModuleNotFoundError as error:
        typer.echo(f"error: the demo needs the package {error.name}; scripts/setup.sh installs it", err=True)
        raise typer.Exit(EXIT_FAILED) from error
