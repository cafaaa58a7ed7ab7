"""`paystream dlq`: look at dead letters, and decide on them."""

import getpass
from typing import Annotated, Any, Literal

import typer

from paykit.consume import setaside
from paykit.consume.redelivery import DeadLetterUnknown
from paykit.process.runtime import Runtime
from paytools.cli.offline import run_with_runtime

LIST_ROWS_MAX = 200

app = typer.Typer(help="Look at a service's dead letters, and replay or discard them.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service whose handler refused the event.")]
Identity = Annotated[int, typer.Argument(help="The dead letter's id.")]
Actor = Annotated[str, typer.Option(help="Who decides; kept with the row.", default_factory=getpass.getuser)]


@app.command(name="list")
def list_(
    service: Service,
    status: Annotated[Literal["OPEN", "REPLAYED", "DISCARDED"], typer.Option(help="Which ones.")] = "OPEN",
    after: Annotated[int, typer.Option(help="Only ids above this, to page on.")] = 0,
) -> None:
    """List dead letters, oldest first."""

    async def work(runtime: Runtime) -> list[Any]:
        return await runtime.read(
            lambda tx: setaside.list_dead_letters(tx, status=status, after=after, limit=LIST_ROWS_MAX)
        )

    rows = run_with_runtime(service, work)
    for row in rows:
        typer.echo(
            f"{row['dead_letter_id']}\t{row['create_time']:%Y-%m-%dT%H:%M:%SZ}\t{_place(row)}\t{row['key']}\t"
            f"{row['record'] or '-'}\t{row['reason']}"
        )
    typer.echo(f"{len(rows)} dead letters {status}", err=True)


@app.command()
def show(service: Service, dead_letter_id: Identity) -> None:
    """Show one dead letter: where it came from, why it was refused, and the event if it can be decoded."""

    async def work(runtime: Runtime) -> list[tuple[str, object]]:
        row = await runtime.transaction(lambda tx: setaside.lock_dead_letter(tx, dead_letter_id))
        if row is None:
            raise DeadLetterUnknown(f"there is no dead letter {dead_letter_id}")
        record = setaside.record_of(row)
        step = runtime.application.prepare(record) if runtime.application.unknown_schema(record) is None else None
        fields = [(name, row[name]) for name in ("key", "record", "reason", "status", "actor", "create_time", "error")]
        bytes_ = row["value"].hex() if row["value"] is not None else None
        return [("source", _place(row)), *fields, ("bytes", bytes_), ("event", step.event if step else None)]

    for name, value in run_with_runtime(service, work):
        typer.echo(f"{name:12} {value}")


@app.command()
def replay(service: Service, dead_letter_id: Identity, actor: Actor) -> None:
    """Apply a dead letter to this service's handler; events parked behind it follow by themselves."""
    run_with_runtime(service, lambda runtime: runtime.redelivery.replay_dead_letter(dead_letter_id, actor=actor))
    typer.echo(f"replayed {dead_letter_id}")


@app.command()
def discard(service: Service, dead_letter_id: Identity, actor: Actor) -> None:
    """Close a dead letter without applying it; events parked behind it follow by themselves."""
    run_with_runtime(service, lambda runtime: runtime.redelivery.discard_dead_letter(dead_letter_id, actor=actor))
    typer.echo(f"discarded {dead_letter_id}")


def _place(row: Any) -> str:
    return f"{row['topic']}/{row['partition']}/{row['record_offset']}"
