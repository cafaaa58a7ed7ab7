"""`paystream settlement`: reports, and the settlements held against their items and the ledger."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Annotated

import grpc
import typer
from rich.console import Console

from paykit.base.errors import UnavailableError
from paykit.postgres.database import Tx
from paystream.settlement.v1 import settlement_pb2 as pb
from paystream.settlement.v1 import settlement_pb2_grpc
from paytools.cli import addresses, documents
from paytools.cli.addresses import DEFAULT_HOME, Home, fail, find
from paytools.cli.commands.call import refusal_lines, wait_for
from paytools.cli.documents import STREAM_S_MAX, Format, Output
from paytools.cli.reading import DatabaseUrl, read
from services.accounting import store as accounting_store
from services.settlement import store as settlement_store
from services.settlement.domain.balance import FOLLOWED
from services.settlement.domain.item import ACCOUNT_KIND, BOOKING
from services.settlement.domain.settlement import MerchantCurrency
from services.settlement.domain.verification import Collected, SettlementDifferenceError, compare, compare_balances

LOOK_AGAIN_S = 0.25

app = typer.Typer(help="Look after settlements.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look after settlements."""


@app.command()
def verify(
    postgres: DatabaseUrl = None,
    home: Home = DEFAULT_HOME,
    wait: Annotated[float, typer.Option(help="Seconds to let events on their way arrive.", min=0)] = 10.0,
) -> None:
    """Hold every settlement against its items, and all of them against the ledger; leave with 1 at a difference.

    Every transaction on a merchant's settlement account is one item, and what is not booked is the account's balance.
    Named beside that, and no difference: what is held, balances below zero, reserves and transfers without an end.
    """
    console = Console(highlight=False, soft_wrap=True)
    url = find(postgres, part="postgres", home=home)

    async def check(tx: Tx) -> None:
        await settlement_store.check_settlements(
            tx, progress=lambda name, rows: console.print(f"ok  {name:32} {rows:>12,} rows")
        )

    try:
        asyncio.run(read(url, "settlement", check))
        ours = asyncio.run(_compared(url, until=time.monotonic() + wait))
        noticed = asyncio.run(read(url, "settlement", settlement_store.notices))
    except SettlementDifferenceError as difference:
        fail(f"the settlements differ: {difference}")
    except UnavailableError as error:
        fail(str(error))
    console.print(f"ok  {'the ledger':32} {len(ours):>12,} merchants and currencies")
    for notice in noticed:
        console.print(f"see {notice.what:10} {notice.subject}: {notice.detail}")
    console.print(f"The settlements are right: {sum(tally.items for tally in ours.values()):,} transactions.")


@app.command()
def export(
    settlement_id: Annotated[str, typer.Argument(help="stl_ and 32 hexadecimal digits.")],
    *,
    format_: Annotated[Format, typer.Option("--format", "-f", help="What to write it in.")] = Format.CSV,
    output: Output = None,
    address: Annotated[str | None, typer.Option("--address", "-a", help="host:port; else the local stack's.")] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Write a settlement's report: its transactions, and in JSON its sums as well."""
    where = address or addresses.services(home).get("settlement") or fail("the local stack has no settlement service")
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            documents.write(_chunks(channel, settlement_id, format_), output)
        except grpc.RpcError as error:
            for line in refusal_lines(error):
                typer.echo(line, err=True)
            raise typer.Exit(addresses.EXIT_FAILED) from error


async def _compared(url: str, *, until: float) -> dict[MerchantCurrency, Collected]:
    """Compare with the ledger until the two agree; what is on its way may make them differ for a moment."""
    while True:
        ledger = await read(
            url, "accounting", lambda tx: accounting_store.account_flows(tx, ACCOUNT_KIND, leaving_out=[BOOKING])
        )
        kinds = await _ledger_balances(url)
        ours = await read(url, "settlement", settlement_store.collected)
        followed = await read(url, "settlement", settlement_store.balances_followed)
        theirs = {
            (tally.merchant_id, tally.currency_code): Collected(tally.transactions, tally.digest, tally.balance_minor)
            for tally in ledger
        }
        try:
            compare(ours, theirs)
            for kind, balances in kinds.items():
                compare_balances(kind, followed[kind], balances)
        except SettlementDifferenceError:
            if time.monotonic() >= until:
                raise
            await asyncio.sleep(LOOK_AGAIN_S)
        else:
            return ours


async def _ledger_balances(url: str) -> dict[str, dict[MerchantCurrency, int]]:
    """Read the ledger's balances of the kinds of accounts that settlement follows."""
    balances: dict[str, dict[MerchantCurrency, int]] = {}
    for kind in FOLLOWED:
        flows = await read(
            url, "accounting", partial(accounting_store.account_flows, account_kind=kind, leaving_out=[])
        )
        balances[kind] = {(flow.merchant_id, flow.currency_code): flow.balance_minor for flow in flows}
    return balances


def _chunks(channel: grpc.Channel, settlement_id: str, format_: Format) -> Iterator[bytes]:
    request = pb.ExportSettlementRequest(
        settlement_id=settlement_id, format=pb.ExportFormat.Value(f"EXPORT_FORMAT_{format_.name}")
    )
    stub = settlement_pb2_grpc.SettlementServiceStub(channel)
    return (response.document.data for response in stub.ExportSettlement(request, timeout=STREAM_S_MAX))
