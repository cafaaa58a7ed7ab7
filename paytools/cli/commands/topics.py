"""`paystream topics init|list|check|widen`: the declared topics on the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from paykit.base.errors import UnavailableError
from paykit.events import schema_files
from paykit.events.schema_files import Topic
from paykit.kafka import topics as cluster
from paykit.kafka import widening
from paykit.kafka.round_trip import round_trip
from paytools.cli import addresses, table

AS_DECLARED = "as declared"

app = typer.Typer(help="The Kafka topics.", no_args_is_help=True)


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A cluster, and the topics that it must have, by name."""

    bootstrap: str
    wanted: dict[str, Topic]

    @classmethod
    def of(cls, kafka: str | None, prefix: str, partitions: int | None, home: Path) -> "_Target":
        count = addresses.topic_partitions(partitions, kafka=kafka, home=home)
        declared = schema_files.load_topics(schema_files.schema_root()).values()
        return cls(
            bootstrap=addresses.find(kafka, part="kafka", home=home),
            wanted=cluster.declared(declared, prefix=prefix, partitions=count),
        )


@app.command()
def init(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    partitions: addresses.Partitions = None,
    environment: addresses.Environment = "production",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Create the declared topics that are missing; refuse a cluster whose topics differ, or that may lose events."""
    target = _Target.of(kafka, prefix, partitions, home)
    try:
        created = cluster.init(target.bootstrap, target.wanted, durable=environment == "production")
    except cluster.TopicDriftError as error:
        for drift in error.drifts:
            typer.echo(drift, err=True)
        addresses.fail("topics differ from their declaration; nothing was changed")
    except UnavailableError as error:
        addresses.fail(str(error))
    for name in target.wanted:
        typer.echo(f"{'created' if name in created else 'unchanged'} {name}")


@app.command("list")
def list_(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    partitions: addresses.Partitions = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """List the declared topics: key, who writes and reads, and how the cluster has them."""
    target = _Target.of(kafka, prefix, partitions, home)
    present = _present(target)
    header = ("topic", "key", "producer", "consumers", "partitions", "state")
    table.echo(header, [_row(name, topic, present.get(name)) for name, topic in target.wanted.items()])


@app.command()
def check(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    partitions: addresses.Partitions = None,
    environment: addresses.Environment = "production",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Check that Kafka has the declared topics, keeps what it acknowledges, and gives back a record written to it."""
    target = _Target.of(kafka, prefix, partitions, home)
    present = _present(target)
    typer.echo(f"Kafka answers at {target.bootstrap}")
    wrong = [f"{name}: {verdict}" for name, verdict in _verdicts(target, present).items() if verdict != AS_DECLARED]
    if environment == "production":
        wrong += _undurable(target, present)
    if wrong:
        typer.echo("\n".join(wrong), err=True)
        addresses.fail(
            f"{len(wrong)} findings on {len(target.wanted)} topics; `paystream topics init` makes missing ones"
        )
    typer.echo(f"{len(target.wanted)} topics are as declared")
    try:
        seconds = round_trip(target.bootstrap, prefix=prefix)
    except UnavailableError as error:
        addresses.fail(str(error))
    typer.echo(f"a record was written and read back in {seconds * 1000:.0f} ms")


@app.command()
def widen(
    name: Annotated[str, typer.Argument(help="The topic, without prefix, as in payment.events.", show_default=False)],
    partitions: Annotated[int, typer.Option("--to", min=2, max=1_000, help="How many partitions it gets.")],
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Give a topic more partitions, once every consumer has applied all of it and its producer's relay is stopped.

    Read docs/operations.md first: the order of events per key hangs on the number of partitions.
    """
    topics = schema_files.load_topics(schema_files.schema_root())
    if name not in topics:
        raise typer.BadParameter(f"{name}: no topic has this name; there are {', '.join(topics)}")
    bootstrap = addresses.find(kafka, part="kafka", home=home)
    groups = [prefix + consumer for consumer in topics[name].consumers]
    try:
        before = widening.widen(bootstrap, prefix + name, groups=groups, partitions=partitions)
    except (widening.NotWidenedError, UnavailableError) as error:
        addresses.fail(str(error))
    typer.echo(f"{prefix}{name} has {partitions} partitions, had {before}; start its relay again")


def _present(target: _Target) -> dict[str, cluster.TopicState]:
    try:
        return cluster.states(target.bootstrap, target.wanted)
    except UnavailableError as error:
        addresses.fail(str(error))


def _undurable(target: _Target, present: Mapping[str, cluster.TopicState]) -> list[str]:
    try:
        named = {cluster.NEW_TOPICS: cluster.new_topic_state(target.bootstrap), **present}
    except UnavailableError as error:
        addresses.fail(str(error))
    return [line for name, state in named.items() for line in cluster.undurable(name, state)]


def _verdicts(target: _Target, present: Mapping[str, cluster.TopicState]) -> dict[str, str]:
    return {name: _verdict(name, topic, present.get(name)) for name, topic in target.wanted.items()}


def _verdict(name: str, topic: Topic, state: cluster.TopicState | None) -> str:
    drifts = cluster.compare(name, topic, state) if state else ["missing"]
    return "; ".join(drift.removeprefix(f"{name}: ") for drift in drifts) or AS_DECLARED


def _row(name: str, topic: Topic, state: cluster.TopicState | None) -> tuple[str, ...]:
    verdict = _verdict(name, topic, state)
    partitions = str(state.partitions) if state else "-"
    return name, topic.key, topic.producer, ",".join(topic.consumers) or "-", partitions, verdict
