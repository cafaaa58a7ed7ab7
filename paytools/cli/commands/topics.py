"""`paystream topics init|list|check`: the declared topics on the cluster."""

import typer

from paykit.base.errors import UnavailableError
from paykit.events import schema_files
from paykit.kafka import topics as cluster
from paykit.kafka.round_trip import round_trip
from paytools.cli import addresses, table

AS_DECLARED = "as declared"

app = typer.Typer(help="The Kafka topics.", no_args_is_help=True)


@app.command()
def init(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Create the declared topics that are missing; refuse a cluster whose topics differ."""
    wanted = _declared(prefix)
    try:
        created = cluster.init(addresses.find(kafka, part="kafka", home=home), wanted)
    except cluster.TopicDriftError as error:
        for drift in error.drifts:
            typer.echo(drift, err=True)
        addresses.fail("topics differ from their declaration; nothing was changed")
    except UnavailableError as error:
        addresses.fail(str(error))
    for name in wanted:
        typer.echo(f"{'created' if name in created else 'unchanged'} {name}")


@app.command("list")
def list_(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """List the declared topics: key, who writes and reads, and how the cluster has them."""
    wanted = _declared(prefix)
    present = _present(addresses.find(kafka, part="kafka", home=home), wanted)
    header = ("topic", "key", "producer", "consumers", "partitions", "state")
    table.echo(header, [_row(name, topic, present.get(name)) for name, topic in wanted.items()])


@app.command()
def check(
    kafka: addresses.Bootstrap = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Check that Kafka has the declared topics, and gives back a record that is written to it."""
    wanted = _declared(prefix)
    bootstrap = addresses.find(kafka, part="kafka", home=home)
    present = _present(bootstrap, wanted)
    typer.echo(f"Kafka answers at {bootstrap}")
    wrong = [f"{name}: {verdict}" for name, verdict in _verdicts(wanted, present).items() if verdict != AS_DECLARED]
    if wrong:
        typer.echo("\n".join(wrong), err=True)
        addresses.fail(f"{len(wrong)} of {len(wanted)} topics are not as declared; `paystream topics init` makes them")
    typer.echo(f"{len(wanted)} topics are as declared")
    try:
        seconds = round_trip(bootstrap, prefix=prefix)
    except UnavailableError as error:
        addresses.fail(str(error))
    typer.echo(f"a record was written and read back in {seconds * 1000:.0f} ms")


def _present(bootstrap: str, wanted: dict[str, schema_files.Topic]) -> dict[str, cluster.TopicState]:
    try:
        return cluster.states(bootstrap, wanted)
    except UnavailableError as error:
        addresses.fail(str(error))


def _verdicts(wanted: dict[str, schema_files.Topic], present: dict[str, cluster.TopicState]) -> dict[str, str]:
    return {name: _verdict(name, topic, present.get(name)) for name, topic in wanted.items()}


def _verdict(name: str, topic: schema_files.Topic, state: cluster.TopicState | None) -> str:
    drifts = cluster.compare(name, topic, state) if state else ["missing"]
    return "; ".join(drift.removeprefix(f"{name}: ") for drift in drifts) or AS_DECLARED


def _row(name: str, topic: schema_files.Topic, state: cluster.TopicState | None) -> tuple[str, ...]:
    verdict = _verdict(name, topic, state)
    partitions = str(state.partitions) if state else "-"
    return name, topic.key, topic.producer, ",".join(topic.consumers) or "-", partitions, verdict


def _declared(prefix: str) -> dict[str, schema_files.Topic]:
    return cluster.declared(schema_files.load_topics(schema_files.schema_root()).values(), prefix=prefix)
