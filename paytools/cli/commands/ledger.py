"""`paystream ledger`: hold the ledger against its own entries, and show the books."""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import typer
from rich.console import Console

from paykit.base.errors import UnavailableError
from paykit.money import Money, format_money
from paykit.postgres.database import Tx
from paytools.cli import table
from paytools.cli.addresses import DEFAULT_HOME, Home, fail, find
from paytools.cli.commands.ledger_archive import archive
from paytools.cli.reading import DatabaseUrl, read
from services.accounting.commands.open_matters import OpenMatter
from services.accounting.commands.verification import LedgerDifferenceError, VerifyReport, verify
from services.accounting.domain.chart import ChartError
from services.accounting.store import books, load_chart
from services.accounting.store.archive.carried import hold_journal
from services.accounting.store.books import InTransit, KindBalance

PARTS_MAX = 1_000
"""References shown of what is in transit."""


app = typer.Typer(help="Look after the ledger.", no_args_is_help=True)
app.command(name="archive")(archive)


@app.callback()
def _group() -> None:
    """Look after the ledger."""


@app.command(name="verify")
def verify_(postgres: DatabaseUrl = None, home: Home = DEFAULT_HOME) -> None:
    """Recompute every balance and invariant from the entries; leave with status 1 at the first difference.

    What is right and open all the same is named: suspense, debts of merchants, holds without an end.
    """
    console = Console(highlight=False, soft_wrap=True)

    async def work(tx: Tx) -> VerifyReport:
        return await verify(tx, progress=lambda check, rows: console.print(f"ok  {check:32} {rows:>12,} rows"))

    try:
        report = asyncio.run(read(find(postgres, part="postgres", home=home), "accounting", work))
    except LedgerDifferenceError as difference:
        fail(f"the ledger differs: {difference}")
    except UnavailableError as error:
        fail(str(error))
    console.print(
        f"The ledger is right: {report.accounts:,} accounts, {report.transactions:,} transactions, "
        f"{report.entries:,} entries."
    )
    _echo_open_matters(report.open_matters)


@app.command(name="balances")
def balances_(
    currency: Annotated[str | None, typer.Option(help="Only this currency, as in EUR.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Only this merchant's accounts.")] = None,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what each account in transit is waiting for.")
    ] = False,
    postgres: DatabaseUrl = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Show the books: what is on each kind of account, and on merchants' accounts together."""

    async def work(tx: Tx) -> tuple[list[KindBalance], list[InTransit]]:
        await hold_journal(tx)
        kinds = await books.kind_balances(tx, currency_code=currency, merchant_id=merchant)
        wanted = PARTS_MAX + 1 if explain else 0
        return kinds, await books.in_transit(tx, currency_code=currency, merchant_id=merchant, limit=wanted)

    try:
        kinds, parts = asyncio.run(read(find(postgres, part="postgres", home=home), "accounting", work))
    except UnavailableError as error:
        fail(str(error))
    if not kinds:
        typer.echo("The ledger has no such account.")
        return
    _echo_balances(kinds)
    if explain:
        _echo_in_transit(parts)


@app.command(name="prove")
def prove_(
    chart: Annotated[str, typer.Argument(help="The name of a chart that ships, or the path of a TOML file.")],
) -> None:
    """Prove a chart of accounts before a ledger is kept by it; leave with status 1 if it is wrong."""
    try:
        proved = load_chart(chart)
    except ChartError as error:
        fail(str(error))
    typer.echo(
        f"{proved.name} balances whatever the amounts: {len(proved.kinds)} kinds, {len(proved.types)} types, "
        f"hash {proved.content_hash}."
    )


def _echo_open_matters(matters: Sequence[OpenMatter]) -> None:
    """Name what is open though the books are right."""
    if not matters:
        typer.echo("Nothing is in suspense, owed or held for too long.")
        return
    rows = [
        (
            matter.kind.value,
            matter.account_kind,
            matter.merchant_id or "",
            matter.reference if matter.reference != matter.merchant_id else "",
            f"{matter.since:%Y-%m-%d %H:%M:%S}" if matter.since else "",
            format_money(Money(matter.amount_minor, matter.currency_code)),
        )
        for matter in matters[:PARTS_MAX]
    ]
    table.echo(("open", "account", "merchant", "what", "since (UTC)", "amount"), _aligned(rows, column=5))
    if len(matters) > PARTS_MAX:
        typer.echo(f"and {len(matters) - PARTS_MAX:,} more")


def _echo_balances(kinds: list[KindBalance]) -> None:
    rows = []
    for currency, of_currency in groupby(kinds, key=attrgetter("currency_code")):
        lines = [(balance.account_kind, balance.accounts, balance.balance_minor) for balance in of_currency]
        owned = [line for line in lines if line[0].startswith("merchant.")]
        rows += [_balance_row(currency, *line) for line in lines]
        rows.append(
            _balance_row(currency, "merchant.*", sum(line[1] for line in owned), sum(line[2] for line in owned))
        )
    table.echo(("kind", "accounts", "balance"), _aligned(rows, column=2))


def _balance_row(currency: str, kind: str, accounts: int, balance_minor: int) -> tuple[str, str, str]:
    return kind, str(accounts), format_money(Money(balance_minor, currency))


def _echo_in_transit(parts: list[InTransit]) -> None:
    typer.echo()
    if not parts:
        typer.echo("Nothing is in transit.")
        return
    rows = [
        (
            part.account_kind,
            part.merchant_id or "",
            part.reference,
            str(part.transactions),
            f"{part.since:%Y-%m-%d %H:%M:%S}",
            format_money(Money(part.amount_minor, part.currency_code)),
        )
        for part in parts[:PARTS_MAX]
    ]
    table.echo(("in transit on", "merchant", "what", "transactions", "since (UTC)", "amount"), _aligned(rows, column=5))
    if len(parts) > PARTS_MAX:
        typer.echo(f"and more than these {PARTS_MAX:,}: ask by --merchant or --currency")


def _aligned(rows: Sequence[tuple[str, ...]], *, column: int) -> list[tuple[str, ...]]:
    """Put the amounts of a column under each other."""
    width = max((len(row[column]) for row in rows), default=0)
    return [(*row[:column], row[column].rjust(width), *row[column + 1 :]) for row in rows]
