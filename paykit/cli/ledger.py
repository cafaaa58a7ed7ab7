"""`paystream ledger`: hold the ledger against its own entries."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from paykit.cli.addresses import DEFAULT_HOME, Home, fail, find
from paykit.clock import SystemClock
from paykit.runtime import config
from paykit.runtime.db import Database, Tx
from paykit.runtime.errors import UnavailableError
from paykit.runtime.registry import RegistryClient
from paykit.runtime.runtime import make_codec, service_url
from services.accounting.verification import LedgerDifferenceError, VerifyReport, verify

T = TypeVar("T")

DatabaseUrl = Annotated[
    str | None,
    typer.Option("--postgres", envvar="PAYSTREAM_DATABASE_URL", help="URL of PostgreSQL.", show_envvar=True),
]

app = typer.Typer(help="Look after the ledger.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look after the ledger."""


@app.command(name="verify")
def verify_(postgres: DatabaseUrl = None, home: Home = DEFAULT_HOME) -> None:
    """Recompute every balance and invariant from the entries; leave with status 1 at the first difference."""
    console = Console(highlight=False, soft_wrap=True)

    async def work(tx: Tx) -> VerifyReport:
        return await verify(tx, progress=lambda check, rows: console.print(f"ok  {check:32} {rows:>12,} rows"))

    try:
        report = asyncio.run(_read(find(postgres, part="postgres", home=home), work))
    except LedgerDifferenceError as difference:
        fail(f"the ledger differs: {difference}")
    except UnavailableError as error:
        fail(str(error))
    console.print(
        f"The ledger is right: {report.accounts:,} accounts, {report.transactions:,} transactions, "
        f"{report.entries:,} entries."
    )


async def _read(url: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Run a query on the ledger's tables; neither Kafka nor the registry need be up."""
    settings = config.load(database_url=url)
    async with RegistryClient(settings.registry_url) as registry:
        database = Database(
            url=service_url(settings, "accounting"),
            schema="accounting",
            clock=SystemClock(),
            codec=make_codec(settings, registry),
            connections_max=1,
        )
        try:
            return await database.read(work)
        finally:
            await database.close()
