"""Reports of `paystream recon`, and what it finds when everything is recomputed."""

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
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from paystream.reconciliation.v1 import report_pb2 as pb
from paytools.cli import addresses, documents
from paytools.cli.commands.call import refusal_lines, wait_for
from paytools.cli.commands.recon import resolving, rules
from paytools.cli.commands.recon.resolving import Where
from paytools.cli.documents import STREAM_S_MAX, Format, Output
from paytools.cli.reading import DatabaseUrl, read
from services.accounting import store as accounting_store
from services.reconciliation import store as reconciliation_store
from services.reconciliation.domain.uncleared import CLEARING_DAYS
from services.reconciliation.domain.verification import (
    AccountKey,
    ReconciliationDifferenceError,
    compare_uncleared,
)

LOOK_AGAIN_S = 0.25

app = rules.app


@app.command()
def report(
    *,
    channel: Annotated[str, typer.Option(help="The channel, by its name in routes.")],
    first: Annotated[str, typer.Option("--from", help="From this day on, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Up to this day, with it; at most 92 days in all.")],
    format_: Annotated[Format, typer.Option("--format", "-f", help="What to write it in.")] = Format.CSV,
    items: Annotated[bool, typer.Option("--items", help="Also each line and each movement.")] = False,
    output: Output = None,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Write what became of lines and movements, day by day: counts and sums, each line and movement once."""
    request = pb.ExportReportRequest(
        channel=channel,
        first_date=first,
        last_date=last,
        format=pb.ReportFormat.Value(f"REPORT_FORMAT_{format_.name}"),
        items=items,
    )
    where = resolving.service_address(address, home)
    with closing(grpc.insecure_channel(where)) as connection:
        wait_for(connection, where)
        try:
            documents.write(_chunks(connection, request), output)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))


@app.command()
def verify(
    postgres: DatabaseUrl = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
    wait: Annotated[float, typer.Option(help="Seconds to let events on their way arrive.", min=0)] = 10.0,
) -> None:
    """Recompute that each line and movement has one outcome or waits for one; leave with status 1 at a difference.

    Statements have the lines that they were reconciled with, and what has not cleared is the ledger's balances. Named
    beside that, and no difference: what a channel says of a day as a whole against its lines.
    """
    console = Console(highlight=False, soft_wrap=True)
    url = addresses.find(postgres, part="postgres", home=home)
    try:
        checked = asyncio.run(_verified(url, until=time.monotonic() + wait))
        noticed = asyncio.run(read(url, "reconciliation", reconciliation_store.verification.notices))
    except ReconciliationDifferenceError as difference:
        addresses.fail(f"the reconciliation differs: {difference}")
    except UnavailableError as error:
        addresses.fail(str(error))
    for name, rows in checked.items():
        console.print(f"ok  {name:32} {rows:>12,} rows")
    for notice in noticed:
        console.print(f"see {notice.what:10} {notice.subject} {notice.detail}")
    console.print(f"The reconciliation is right: {checked['lines']:,} lines, {checked['movements']:,} movements.")


async def _verified(url: str, *, until: float) -> dict[str, int]:
    """Check until nothing differs; what is on its way may make it differ for a moment."""
    while True:
        checked: dict[str, int] = {}
        check = partial(reconciliation_store.verification.check_outcomes, progress=checked.__setitem__)
        try:
            await read(url, "reconciliation", check)
            checked["uncleared"] = await _compared(url)
        except ReconciliationDifferenceError:
            if time.monotonic() >= until:
                raise
            await asyncio.sleep(LOOK_AGAIN_S)
        else:
            return checked


async def _compared(url: str) -> int:
    """Hold what has not cleared against the ledger, and return on how many accounts that is."""
    ledger: dict[AccountKey, int] = {}
    for kind in CLEARING_DAYS:
        flows = await read(
            url, "accounting", partial(accounting_store.account_flows, account_kind=kind, leaving_out=[])
        )
        ledger |= {(kind, flow.merchant_id or "", flow.currency_code): flow.balance_minor for flow in flows}
    followed = await read(url, "reconciliation", reconciliation_store.verification.uncleared_balances)
    compare_uncleared(followed, ledger)
    return len(ledger)


def _chunks(connection: grpc.Channel, request: pb.ExportReportRequest) -> Iterator[bytes]:
    stub = reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(connection)
    return (response.document.data for response in stub.ExportReport(request, timeout=STREAM_S_MAX))
