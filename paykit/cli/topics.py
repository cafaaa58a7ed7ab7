"""`paystream topics init|list`: the declared topics on the cluster."""

import typer

from paykit.cli import addresses, table
from paykit.contracts import files
from paykit.runtime import topics as cluster
from paykit.runtime.errors import UnavailableError

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
    try:
        present = cluster.states(addresses.find(kafka, part="kafka", home=home), wanted)
    except UnavailableError as error:
        addresses.fail(str(error))
    header = ("topic", "key", "producer", "consumers", "partitions", "state")
    table.echo(header, [_row(name, topic, present.get(name)) for name, topic in wanted.items()])


def _row(name: str, topic: files.Topic, state: cluster.State | None) -> tuple[str, ...]:
    drifts = cluster.compare(name, topic, state) if state else ["missing"]
    verdict = "; ".join(drift.removeprefix(f"{name}: ") for drift in drifts) or "as declared"
    partitions = str(state.partitions) if state else "-"
    return name, topic.key, topic.producer, ",".join(topic.consumers) or "-", partitions, verdict


def _declared(prefix: str) -> dict[str, files.Topic]:
    return cluster.declared(files.load_topics(files.schema_root()).values(), prefix=prefix)
