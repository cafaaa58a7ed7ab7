"""`paystream ledger archive`: write closed months of the ledger to files, and drop what the files have."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from paykit.base.config import Settings
from paykit.base.errors import UnavailableError
from paytools.cli import local, table
from paytools.cli.addresses import DEFAULT_HOME, Home, fail
from paytools.cli.reading import as_administrator
from services.accounting.commands import archiving
from services.accounting.commands.archiving import MonthPlan
from services.accounting.domain.archive import ArchiveRefusedError, month_name, read_month, require_retained
from services.accounting.store.archive.month_files import Manifest


def archive(
    before: Annotated[
        str | None, typer.Option(help="Archive the whole months before this one, as in 2024-01.", show_default=False)
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The directory that the files are written to.", show_default=False)
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be archived, and change nothing.")] = False,
    verify: Annotated[
        Path | None,
        typer.Option(help="Hold the files of a directory against their manifests and the ledger.", show_default=False),
    ] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Write closed months of the ledger to files, carry their sums forward, and drop what the files have.

    It takes an administrator's URL (PAYSTREAM_DATABASE_ADMIN_URL) and the declared retention
    (PAYSTREAM_LEDGER_RETENTION_MONTHS). It may be ended at any time, and goes on where it was when it is run again.
    """
    settings = local.settings(home)
    try:
        if verify is not None:
            if before is not None or to is not None or dry_run:
                raise typer.BadParameter("give it alone", param_hint="--verify")
            _echo_verified(asyncio.run(_verify(settings, verify)))
            return
        if before is None or (to is None and not dry_run):
            raise typer.BadParameter(
                "give --before and --to, --before and --dry-run, or --verify", param_hint="--before"
            )
        month = read_month(before)
        require_retained(month, retention_months=settings.ledger_retention_months, now=datetime.now(UTC))
        asyncio.run(_archive(settings, month, None if dry_run else to))
    except (ArchiveRefusedError, UnavailableError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"the files cannot be written: {error}")


async def _verify(settings: Settings, directory: Path) -> list[Manifest]:
    async with as_administrator(settings, "accounting") as database:
        return await database.read(lambda tx: archiving.verify_archive(tx, directory))


async def _archive(settings: Settings, before: int, directory: Path | None) -> None:
    async with as_administrator(settings, "accounting") as database:
        plans = await database.read(lambda tx: archiving.plan(tx, before))
        if not plans:
            typer.echo(f"Nothing before {month_name(before)} is left to archive.")
            return
        if directory is None:
            _echo_plans(plans)
            return
        await archiving.verified(database)
        typer.echo("ok  the ledger is right as it is")
        for each in plans:
            manifest = await archiving.archive(database, each.month, directory)
            typer.echo(
                f"ok  {month_name(each.month)}: {manifest.transactions:,} transactions, {manifest.entries:,} entries "
                f"archived, {each.kept:,} kept; manifest {manifest.hash}"
            )
        await archiving.verified(database)
        typer.echo("ok  the ledger is right with what is carried forward")


def _echo_plans(plans: list[MonthPlan]) -> None:
    rows = [(month_name(each.month), f"{each.archived:,}", f"{each.kept:,}") for each in plans]
    table.echo(("month", "archived", "kept"), rows)


def _echo_verified(manifests: list[Manifest]) -> None:
    for each in manifests:
        typer.echo(f"ok  {month_name(each.month)}: {each.transactions:,} transactions; manifest {each.hash}")
    typer.echo(f"The archive is what the ledger carries forward: {len(manifests):,} months.")
