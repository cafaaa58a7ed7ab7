"""The demo's stages in order, on a stack of its own that is gone afterwards."""

import asyncio
import contextlib
import time
from pathlib import Path

import grpc
from rich.console import Console

from paytools.demo import findings, report, script, traffic, web
from paytools.demo.clients import Clients, DemoFailedError, connect
from paytools.demo.command import paystream
from paytools.demo.findings import Findings
from paytools.demo.line_run import LinePlay
from paytools.demo.oversight_run import OversightPlay
from paytools.localstack import Endpoints, Stack
from paytools.localstack.progress import Display
from paytools.localstack.settings import SERVICES, StackSettings

HOME = Path(".paystream/demo")


def run(console: Console) -> None:
    """Run the demo and show it; what it started is stopped and its data deleted, whatever happens.

    Raises:
        DemoFailedError: Something is not as it must be; the logs of the services are kept then.
        paytools.localstack.parts.part.PartFailedError: The stack did not come up.
    """
    settings = StackSettings().any_port.model_copy(update={"home": HOME.absolute()})
    began = time.monotonic()
    with contextlib.suppress(FileNotFoundError):  # What an earlier demo that was killed has left.
        Stack(settings, services=SERVICES).down(purge=True)
    with Display(console) as display:
        stack = Stack(settings, services=SERVICES, progress=display)
        endpoints = stack.up(tied_to_caller=True).endpoints
    finished = False
    try:
        asyncio.run(_demonstrate(console, endpoints))
        _verify(console)
        finished = True
    finally:
        console.print("\nstopping")
        stack.down(purge=finished)
    console.print(f"The demo ended well, in {time.monotonic() - began:.0f} s; nothing of it runs any more.")


async def _demonstrate(console: Console, endpoints: Endpoints) -> None:
    try:
        async with connect(endpoints.services) as clients:
            await _play(console, endpoints, clients)
    except grpc.aio.AioRpcError as error:
        raise DemoFailedError(f"a call ended with {error.code().name}: {error.details()}") from error


async def _play(console: Console, endpoints: Endpoints, clients: Clients) -> None:
    """Ask for everything, wait for it, show it, and hold it against the script."""
    planned = script.payments()
    merchants = await traffic.create_merchants(clients)
    merchant_ids = [merchant.merchant_id for merchant in merchants]
    report.show_merchants(console, merchants)

    console.print("\nTraffic", style="bold")
    with report.stage(console, "payments asked for", len(planned)) as bar:
        asked = await traffic.ask_payments(clients, planned, merchant_ids, bar)
    with report.stage(console, "payments with outcome", len(planned)) as bar:
        await traffic.wait_payments(clients, merchant_ids, len(planned), bar)
    refunds = sum(len(merchant.refunds) for merchant in planned)
    with report.stage(console, "refunds asked for", refunds) as bar:
        given = await traffic.ask_refunds(clients, asked, bar)
    console.print(f"  a refund too many: {await traffic.check_refusal(clients, asked)}")
    with report.stage(console, "refunds with outcome", refunds) as bar:
        ended = await traffic.wait_refunds(clients, merchant_ids, refunds, bar)
    payments = await traffic.wait_payments(clients, merchant_ids, len(planned), _Silent())
    ends = [merchant.planned.end for merchant in asked] + [merchant.planned.end for merchant in given]
    moved = ends.count(script.End.SUCCEEDED)
    with report.stage(console, "booked in the ledger", moved) as bar:
        transactions = await traffic.wait_booked(clients, merchant_ids, moved, bar)
    balances = await findings.read_balances(clients)
    expected = findings.expected_events(asked, given, len(balances))
    collected = Findings(
        asked=asked,
        given=given,
        payments=payments,
        refunds=ended,
        transactions=transactions,
        balances=balances,
        trial=await findings.read_trial(clients),
        lines=await findings.read_events(endpoints.kafka, endpoints.registry, expected),
    )
    report.show_outcomes(console, collected)
    report.show_events(console, collected)
    report.show_balances(console, collected, merchants)
    report.show_trial(console, collected.trial)
    _judge(console, collected)
    await asyncio.to_thread(web.show, console, endpoints.gateway, next(iter(payments.values())))
    await LinePlay(console, clients, home=HOME, manual_merchants=merchant_ids).play()
    await OversightPlay(console, clients, home=HOME).play()


def _judge(console: Console, collected: Findings) -> None:
    wrong = findings.problems(collected)
    if wrong:
        listed = "\n".join(f"  {problem}" for problem in wrong[:20])
        raise DemoFailedError(f"{len(wrong)} things are not as they must be:\n{listed}")
    moved = len(collected.transactions)
    console.print(f"\nEvery outcome, event and balance is as it must be; {moved} movements are booked, each once.")


def _verify(console: Console) -> None:
    """Have the ledger, the settlements and what became of statements recomputed."""
    for part in ("ledger", "settlement", "recon"):
        console.print(f"\npaystream {part} verify", style="bold")
        for line in paystream(HOME, part, "verify"):
            console.print(f"  {line}", markup=False, soft_wrap=True)


class _Silent:
    """Shows nothing of a stage that takes no time."""

    def at(self, count: int, note: str = "") -> None:
        """Ignore it."""
