"""`paystream dlq`: look at dead letters, and decide on them."""

import getpass
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from paykit.base.errors import UnavailableError
from paykit.consume.application import RegistryMismatchError
from paykit.consume.delivery import Record
from paykit.consume.prepared import ReadyEvent
from paykit.consume.replay import DeadLetterUnknown
from paykit.consume.store import dead_letters
from paykit.consume.store.dead_letters import DeadLetter
from paykit.events.codec import SchemaNotFoundError, UndecodableError
from paykit.process.runtime import Runtime
from paytools.cli.addresses import DEFAULT_HOME, Home
from paytools.cli.offline import ID_MAX, run_with_runtime

LIST_ROWS_MAX = 200

app = typer.Typer(help="Look at a service's dead letters, and replay or discard them.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service whose handler refused the event.")]
Identity = Annotated[int, typer.Argument(help="The dead letter's id.", min=0, max=ID_MAX)]
Actor = Annotated[str, typer.Option(help="Who decides; kept with the row.", default_factory=getpass.getuser)]


@app.command(name="list")
def list_(
    service: Service,
    status: Annotated[Literal["OPEN", "REPLAYED", "DISCARDED"], typer.Option(help="Which ones.")] = "OPEN",
    after: Annotated[int, typer.Option(help="Only ids above this, to page on.", min=0, max=ID_MAX)] = 0,
    home: Home = DEFAULT_HOME,
) -> None:
    """List dead letters, oldest first."""

    async def work(runtime: Runtime) -> Sequence[DeadLetter]:
        return await runtime.read(lambda tx: dead_letters.list_by_status(tx, status, after=after, limit=LIST_ROWS_MAX))

    letters = run_with_runtime(service, work, home=home)
    for letter in letters:
        typer.echo(
            f"{letter.dead_letter_id}\t{letter.create_time:%Y-%m-%dT%H:%M:%SZ}\t{_source(letter.record)}\t"
            f"{letter.record.key}\t{letter.record_name or '-'}\t{letter.reason}"
        )
    typer.echo(f"{len(letters)} dead letters {status}", err=True)


@app.command()
def show(service: Service, dead_letter_id: Identity, home: Home = DEFAULT_HOME) -> None:
    """Show one dead letter: where it came from, why it was refused, and the event if it can be decoded."""

    async def work(runtime: Runtime) -> list[tuple[str, object]]:
        letter = await runtime.transaction(lambda tx: dead_letters.lock(tx, dead_letter_id))
        if letter is None:
            raise DeadLetterUnknown(f"there is no dead letter {dead_letter_id}")
        record = letter.record
        return [
            ("source", _source(record)),
            ("key", record.key),
            ("record", letter.record_name),
            ("reason", letter.reason),
            ("status", letter.status),
            ("actor", letter.actor),
            ("create_time", letter.create_time),
            ("error", letter.error),
            ("bytes", record.value.hex() if record.value is not None else None),
            ("event", await _event(runtime, record)),
        ]

    for name, value in run_with_runtime(service, work, home=home):
        typer.echo(f"{name:12} {value}")


@app.command()
def replay(service: Service, dead_letter_id: Identity, actor: Actor, home: Home = DEFAULT_HOME) -> None:
    """Apply a dead letter to this service's handler; events parked behind it follow by themselves."""
    run_with_runtime(service, lambda runtime: runtime.replay.replay_dead_letter(dead_letter_id, actor=actor), home=home)
    typer.echo(f"replayed {dead_letter_id}")


@app.command()
def discard(service: Service, dead_letter_id: Identity, actor: Actor, home: Home = DEFAULT_HOME) -> None:
    """Close a dead letter without applying it; events parked behind it follow by themselves."""
    run_with_runtime(
        service, lambda runtime: runtime.replay.discard_dead_letter(dead_letter_id, actor=actor), home=home
    )
    typer.echo(f"discarded {dead_letter_id}")


async def _event(runtime: Runtime, record: Record) -> object:
    try:
        await runtime.application.learn(record)
        prepared = runtime.application.prepare(record)
    except (RegistryMismatchError, SchemaNotFoundError, UnavailableError, UndecodableError) as error:
        return error
    return prepared.event if isinstance(prepared, ReadyEvent) else None


def _source(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"
