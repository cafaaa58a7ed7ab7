"""`paystream payments overdue`: payments whose channel has not said what became of them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import grpc
import typer

from paykit.money import Money, format_money
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for

CALL_S_MAX = 10.0
PAGE_SIZE = 200
_HEADER = ("attempt", "payment", "merchant", "asked", "amount", "channel", "inquiries", "without an outcome for")

app = typer.Typer(help="Look after payments.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look after payments."""


@app.command()
def overdue(
    address: Annotated[
        str | None, typer.Option("--address", "-a", help="host:port or unix:/path; else the local stack's.")
    ] = None,
    merchant: Annotated[str, typer.Option(help="Of this merchant only.")] = "",
    through: Annotated[str, typer.Option("--channel", help="Sent through this channel only.")] = "",
    limit: Annotated[int, typer.Option(help="Attempts to show.", min=1, max=10_000)] = 1_000,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show calls to channels that have had no outcome for more than 15 minutes, the longest waiting first.

    They are inquired about every 5 minutes for as long as it takes; ask the channel about them by other means.
    """
    where = address or addresses.services(home).get("payment") or addresses.fail("payment does not run")
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            stub = payment_pb2_grpc.PaymentOperationsServiceStub(channel)
            attempts = list(_read(stub, limit, merchant=merchant, through=through))
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
    if attempts:
        table.echo(_HEADER, [_row(attempt) for attempt in attempts])
    else:
        typer.echo("No attempt is overdue.")


def _read(
    stub: payment_pb2_grpc.PaymentOperationsServiceStub, limit: int, *, merchant: str, through: str
) -> Iterator[pb.OverdueAttempt]:
    """Read page after page, up to a number of attempts."""
    token, left = "", limit
    while left:
        request = pb.ListOverdueAttemptsRequest(
            page_size=min(left, PAGE_SIZE), page_token=token, merchant_id=merchant, channel=through
        )
        response = stub.ListOverdueAttempts(request, timeout=CALL_S_MAX)
        yield from response.attempts
        token, left = response.next_page_token, left - len(response.attempts)
        if not token:
            return


def _row(overdue: pb.OverdueAttempt) -> tuple[str, ...]:
    attempt = overdue.attempt
    return (
        attempt.attempt_id,
        attempt.payment_id,
        overdue.merchant_id,
        pb.AttemptAction.Name(attempt.action).removeprefix("ATTEMPT_ACTION_"),
        format_money(Money(overdue.amount.amount_minor, overdue.amount.currency_code)),
        overdue.channel,
        str(attempt.inquiry_count),
        str(timedelta(seconds=overdue.unanswered_seconds)),
    )
