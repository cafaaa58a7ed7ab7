"""Where the commands find Kafka and the registry: an option, else `PAYSTREAM_*`, else the local stack's file."""

import json
import logging
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

Bootstrap = Annotated[
    str | None,
    typer.Option("--kafka", envvar="PAYSTREAM_KAFKA_BOOTSTRAP", help="host:port of one or more brokers."),
]
RegistryUrl = Annotated[
    str | None,
    typer.Option("--registry", envvar="PAYSTREAM_REGISTRY_URL", help="Base URL of Confluent's API."),
]
TopicPrefix = Annotated[
    str, typer.Option("--prefix", envvar="PAYSTREAM_TOPIC_PREFIX", help="Put before every topic and subject.")
]
Home = Annotated[
    Path, typer.Option("--home", envvar="PAYSTREAM_HOME", help="Directory of the local stack.", show_default=True)
]

Partitions = Annotated[
    int | None,
    typer.Option(
        envvar="PAYSTREAM_TOPIC_PARTITIONS",
        min=1,
        max=1_000,
        help="Of each topic, where this installation has not the declared number.",
    ),
]
Environment = Annotated[
    Literal["development", "production"],
    typer.Option(envvar="PAYSTREAM_ENVIRONMENT", help="`development` takes a cluster that may lose events."),
]

DEFAULT_HOME = Path(".paystream")
EXIT_FAILED = 1


def find(given: str | None, *, part: str, home: Path) -> str:
    """Return the address of `kafka` or `registry`.

    Raises:
        typer.Exit: None was given and no local stack is up.
    """
    if part == "kafka":
        # librdkafka reports every failed reconnect; a command says once, in its own words, that Kafka is not there.
        logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    if given:
        return given
    try:
        return str(json.loads((home / "endpoints.json").read_text(encoding="utf-8"))[part])
    except (OSError, ValueError, KeyError):
        fail(f"no address of {part}: start the local stack with `paystream up`, or give --{part}")


def topic_partitions(given: int | None, *, kafka: str | None, home: Path) -> int | None:
    """Return the number of partitions of an installation's topics; None where it is the declared one.

    Args:
        given: By an option or the environment.
        kafka: The address that was given; the local stack knows the number only where it is its own Kafka.
        home: Of the local stack.
    """
    if given is not None or kafka is not None:
        return given
    try:
        stored = json.loads((home / "endpoints.json").read_text(encoding="utf-8")).get("topic_partitions")
    except (OSError, ValueError):
        return None
    return None if stored is None else int(stored)


def services(home: Path) -> dict[str, str]:
    """Return the gRPC addresses of the local stack's services, by name.

    Raises:
        typer.Exit: No local stack is up.
    """
    try:
        addresses: dict[str, str] = json.loads((home / "endpoints.json").read_text(encoding="utf-8"))["services"]
    except (OSError, ValueError, KeyError):
        fail("no address: start the local stack with `paystream up`, or give --address")
    return addresses


def fail(message: str) -> NoReturn:
    """Say what is wrong and leave with status 1."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)
