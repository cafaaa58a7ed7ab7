"""`paystream consumers`: where a service's consumers stand, and what people decide about halted partitions."""

import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from paykit.consume.halting.steering import PartitionStatus, Steering
from paykit.consume.store.offsets import TopicPartition
from paykit.kafka.topic_watch import TopicWatch
from paykit.process.runtime import Runtime
from paytools.cli import table
from paytools.cli.addresses import DEFAULT_HOME, Home
from paytools.cli.offline import ID_MAX, PARTITION_MAX, run_with_runtime

T = TypeVar("T")

HEADER = ("partition", "next", "lag", "halted since", "next try", "tries", "reason")

app = typer.Typer(
    help="Where a service's consumers stand; halted partitions: resume, skip, adopt.", no_args_is_help=True
)

Service = Annotated[str, typer.Argument(help="The service that consumes.")]
Place = Annotated[str, typer.Argument(help="<topic>/<partition>, as `list` shows it.")]
RecordPlace = Annotated[str, typer.Argument(help="<topic>/<partition>/<offset>.")]
From = Annotated[
    int | None, typer.Option("--from", help="Where to begin; else with its first record.", min=0, max=ID_MAX)
]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]
Actor = Annotated[str, typer.Option(help="Who decides; kept with the decision.", default_factory=getpass.getuser)]


@app.command(name="list")
def list_(service: Service, home: Home = DEFAULT_HOME) -> None:
    """List positions, how many events are behind them, and halts with their reasons and next tries."""
    found = _steer(service, lambda steering: steering.list(), home=home)
    table.echo(HEADER, [_row(status) for status in found])
    halted = [status.halt for status in found if status.halt is not None]
    for halt in halted:
        typer.echo(f"{_text(halt.partition)} {halt.reason}: {halt.explanation}", err=True)
    typer.echo(f"{len(halted)} of {len(found)} partitions halted", err=True)


@app.command()
def resume(service: Service, place: Place, reason: Reason, actor: Actor, home: Home = DEFAULT_HOME) -> None:
    """Try a halted partition now, as if nothing had failed in it before."""
    partition = _partition(place)
    _steer(service, lambda steering: steering.resume(partition, reason=reason, actor=actor), home=home)
    typer.echo(f"{place} is tried now")


@app.command()
def skip(service: Service, place: RecordPlace, reason: Reason, actor: Actor, home: Home = DEFAULT_HOME) -> None:
    """Go past one record of a halted partition; it becomes a dead letter, to be replayed or discarded."""
    of, _, offset = place.rpartition("/")
    partition, number = _partition(of), _number(offset, ID_MAX)
    _steer(service, lambda steering: steering.skip(partition, number, reason=reason, actor=actor), home=home)
    typer.echo(f"{of} is tried now, and goes past {number}")


@app.command()
def adopt(
    service: Service, place: Place, reason: Reason, actor: Actor, *, from_: From = None, home: Home = DEFAULT_HOME
) -> None:
    """Consume the log that is there, though the stored offset is of another: a recreated topic, another cluster."""
    partition = _partition(place)
    start = _steer(service, lambda steering: steering.adopt(partition, from_, reason=reason, actor=actor), home=home)
    typer.echo(f"{place} is consumed from {start}")


def _partition(place: str) -> TopicPartition:
    topic, slash, number = place.rpartition("/")
    if not slash:
        raise typer.BadParameter(f"{place}: not <topic>/<partition>")
    return topic, _number(number, PARTITION_MAX)


def _number(text: str, largest: int) -> int:
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(largest))
    if not plain or int(text) > largest:
        raise typer.BadParameter(f"{text}: not a number of a partition or record")
    return int(text)


def _steer(service: str, work: Callable[[Steering], Awaitable[T]], *, home: Home) -> T:
    async def steered(runtime: Runtime) -> T:
        return await work(Steering(runtime.database, TopicWatch(runtime.settings.kafka_bootstrap)))

    return run_with_runtime(service, steered, home=home)


def _row(status: PartitionStatus) -> tuple[str, ...]:
    halt = status.halt
    place = (_text(status.partition), _or_dash(status.next_offset), _or_dash(status.lag))
    if halt is None:
        return *place, "-", "-", "-", "-"
    return *place, f"{halt.since:%Y-%m-%dT%H:%M:%SZ}", f"{halt.next_try:%H:%M:%SZ}", str(halt.tries), halt.reason


def _text(partition: TopicPartition) -> str:
    return f"{partition[0]}/{partition[1]}"


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)
