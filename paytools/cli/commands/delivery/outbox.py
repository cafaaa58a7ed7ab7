"""`paystream outbox`: what Kafka refuses of a service's events, and what waits behind it."""

from collections.abc import Sequence
from typing import Annotated

import typer

from paykit.postgres.batches.outbox_writing import ASK_EVERY_S, set_batches
from paykit.postgres.held import outbox_holds
from paykit.postgres.held.outbox_holds import OutboxHold
from paykit.process.runtime import Runtime
from paytools.cli.addresses import DEFAULT_HOME, Home
from paytools.cli.offline import ID_MAX, run_with_runtime

LIST_HOLDS_MAX = 200
COUNTED_ROWS_MAX = 100_000

app = typer.Typer(help="What Kafka refuses: look, try now; how events are written.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service whose events they are.")]


@app.command(name="list")
def list_(
    service: Service,
    after: Annotated[int, typer.Option(help="Only ids above this, to page on.", min=0, max=ID_MAX)] = 0,
    home: Home = DEFAULT_HOME,
) -> None:
    """List what is refused: id, since when, topic, key (* for all), row, rows waiting, tries, next try, why."""

    async def work(runtime: Runtime) -> Sequence[OutboxHold]:
        return await runtime.read(
            lambda tx: outbox_holds.list_holds(tx, after=after, limit=LIST_HOLDS_MAX, rows_max=COUNTED_ROWS_MAX)
        )

    holds = run_with_runtime(service, work, home=home)
    for hold in holds:
        typer.echo(
            f"{hold.hold_id}\t{hold.refuse_time:%Y-%m-%dT%H:%M:%SZ}\t{hold.topic}\t"
            f"{'*' if hold.key is None else hold.key}\t{hold.outbox_id}\t{hold.rows}\t{hold.tries}\t"
            f"{hold.retry_time:%Y-%m-%dT%H:%M:%SZ}\t{hold.reason}\t{hold.error}"
        )
    typer.echo(f"{len(holds)} refused", err=True)


@app.command()
def retry(
    service: Service,
    hold_id: Annotated[
        int | None, typer.Argument(help="What to try, by its id; without one, all.", min=0, max=ID_MAX)
    ] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Have what is refused tried now, by the relay that leads."""
    changed = run_with_runtime(
        service, lambda runtime: runtime.transaction(lambda tx: outbox_holds.retry(tx, hold_id)), home=home
    )
    typer.echo(f"{changed} to be tried now")


@app.command()
def batches(
    service: Service,
    *,
    on: Annotated[bool, typer.Option("--on/--off", help="Several events in a row, or each in its own.")],
    home: Home = DEFAULT_HOME,
) -> None:
    """Have the events of a transaction written as one row, once all processes can read that, or each as its own."""
    run_with_runtime(service, lambda runtime: runtime.transaction(lambda tx: set_batches(tx, batches=on)), home=home)
    typer.echo(f"{'batches' if on else 'single events'} from {ASK_EVERY_S:.0f} s from now on")
