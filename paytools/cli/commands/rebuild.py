"""`paystream rebuild`: a service's projections, from their events alone."""

import asyncio
from typing import Annotated

import typer

from paykit.base.errors import RebuildFailedError
from paykit.process.catalogue import load_service
from paykit.rebuild.rebuilding import RebuildReport
from paykit.rebuild.rebuilding import rebuild as rebuild_projections
from paykit.rebuild.shadow import Difference
from paytools.cli import addresses, local


def rebuild(
    service: Annotated[str, typer.Argument(help="Name of the service.")],
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Only compare: print `equal`, or the first difference.")] = False,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Rebuild a service's projections from the first event on, and put them in the place of the live ones.

    The service may run meanwhile. With --diff nothing is changed: the exit status is 0 when the live rows are equal to
    the rebuilt ones, and 1 when they are not.
    """
    declared, settings = load_service(service), local.settings(home)
    try:
        report = asyncio.run(rebuild_projections(declared, settings, swap=not diff))
    except RebuildFailedError as error:
        addresses.fail(str(error))
    typer.echo(f"{report.events} events read again", err=True)
    for table, rows in report.rows.items():
        typer.echo(f"{table}: {rows} rows{_replaced(report, table)}", err=diff)
    if report.difference is not None:
        _show(report.difference)
        raise typer.Exit(addresses.EXIT_FAILED)
    if diff:
        typer.echo("equal")
    elif not report.rows:
        typer.echo(f"{service} keeps no projections: there is nothing to rebuild")


def _replaced(report: RebuildReport, table: str) -> str:
    swapped = report.swapped.get(table)
    return f", {swapped.written} written, {swapped.removed} removed" if swapped else ""


def _show(difference: Difference) -> None:
    typer.echo(f"{difference.table} {difference.key}")
    typer.echo(f"  live    {difference.live or 'no row'}")
    typer.echo(f"  rebuilt {difference.rebuilt or 'no row'}")
