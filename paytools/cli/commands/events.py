"""`paystream events`: what is on a topic, decoded by the registry alone; or written as files."""

import asyncio
import dataclasses
import getpass
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from paykit.base.errors import UnavailableError
from paykit.consume.store import skipped_events
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.kafka.tail import Line, TopicNotFoundError, tail
from paytools.cli import addresses, table
from paytools.cli.offline import run_with_runtime
from paytools.export import exporting
from paytools.export.files import ExportError

app = typer.Typer(help="The events on Kafka.", no_args_is_help=True)

SkippedType = Annotated[str, typer.Option("--type", help="Full record name, as in paystream.payment.v1.RefundFailed.")]


class ExportFormat(StrEnum):
    """How events are exported."""

    PARQUET = "parquet"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Wanted:
    topic: str
    key: str | None
    type: str | None
    limit: int | None
    from_beginning: bool
    follow: bool

    def matches(self, line: Line) -> bool:
        """Compare a type by its full or its short name."""
        record = line.record or ""
        return self.key in (None, line.key) and self.type in (None, record, record.rpartition(".")[2])


@app.command("tail")
def tail_command(
    topic: Annotated[str, typer.Argument(help="As in payment.events, without the prefix.")],
    *,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest record.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for further records until Ctrl-C.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many lines.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this Kafka key.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only this event type, as in PaymentSuccess.")] = None,
    kafka: addresses.Bootstrap = None,
    registry: addresses.RegistryUrl = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Print a topic's records as JSON, one per line; a record that cannot be decoded says why."""
    wanted = _Wanted(
        topic=prefix + topic, key=key, type=type_, limit=limit, from_beginning=from_beginning, follow=follow
    )
    bootstrap = addresses.find(kafka, part="kafka", home=home)
    url = addresses.find(registry, part="registry", home=home)
    try:
        asyncio.run(_print(bootstrap, url, wanted))
    except KeyboardInterrupt:
        raise typer.Exit from None
    except (UnavailableError, TopicNotFoundError) as error:
        addresses.fail(str(error))


@app.command("export")
def export_command(
    topic: Annotated[str, typer.Argument(help="As in payment.events, without the prefix.")],
    directory: Annotated[Path, typer.Argument(help="Where the files go, in a folder of the topic's name.")],
    *,
    to: Annotated[ExportFormat, typer.Option("--to", help="How they are written; needs the extra `parquet`.")],
    since: Annotated[
        datetime | None, typer.Option(help="Begin with what was written then or later, in UTC; else at the beginning.")
    ] = None,
    kafka: addresses.Bootstrap = None,
    registry: addresses.RegistryUrl = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Write what a topic holds now as files, one folder per event type; run again, only what has come since.

    Files are whole as soon as they are there. An export that was cut off goes on from its last whole files.
    """
    source = exporting.ExportSource(
        bootstrap=addresses.find(kafka, part="kafka", home=home),
        topic=prefix + topic,
        since=since.replace(tzinfo=UTC) if since else None,
    )
    url = addresses.find(registry, part="registry", home=home)
    try:
        counts = asyncio.run(_EXPORTS[to](source, url, directory / topic))
    except (UnavailableError, ExportError) as error:
        addresses.fail(str(error))
    table.echo(("EVENT", "ROWS"), [(name, f"{counts[name]:,}") for name in sorted(counts)])


@app.command("replay")
def replay_command(
    service: Annotated[str, typer.Argument(help="The service that skipped the events.")],
    *,
    type_: SkippedType,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Make a dead letter of what is refused, and go on.")
    ] = False,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Apply events that were skipped because their type was newer than the build, after the upgrade."""
    replayed = run_with_runtime(
        service, lambda runtime: runtime.replay.replay_skipped(type_, bury_refused=dead_letters), home=home
    )
    typer.echo(f"applied {replayed.applied} events of {type_}")
    if replayed.buried:
        typer.echo(f"{replayed.buried} were refused and are dead letters now: paystream dlq list {service}")


@app.command("skipped")
def skipped_command(
    service: Annotated[str, typer.Argument(help="The service that skipped the events.")],
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """List by type what was skipped because it was newer than the build."""
    types = run_with_runtime(service, lambda runtime: runtime.read(skipped_events.counts), home=home)
    rows = [(each.record_name, f"{each.events:,}", _moment(each.first_time), _moment(each.last_time)) for each in types]
    table.echo(("EVENT", "SKIPPED", "FIRST", "LAST"), rows)


@app.command("discard")
def discard_command(
    service: Annotated[str, typer.Argument(help="The service that skipped the events.")],
    *,
    type_: SkippedType,
    actor: Annotated[str, typer.Option(help="Who decides; kept with each event.", default_factory=getpass.getuser)],
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Give up events that were skipped; each is kept as a discarded dead letter, with who decided."""
    discarded = run_with_runtime(service, lambda runtime: runtime.replay.discard_skipped(type_, actor=actor), home=home)
    typer.echo(f"discarded {discarded} events of {type_}")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


async def _export(source: exporting.ExportSource, url: str, directory: Path) -> Counter[str]:
    with tempfile.TemporaryDirectory(prefix="paystream-export-") as cache:
        async with RegistryClient(url) as client:
            return await exporting.export(source, Codec(registry=client, cache_dir=Path(cache)), directory)


_EXPORTS = {ExportFormat.PARQUET: _export}


async def _print(bootstrap: str, url: str, wanted: _Wanted) -> None:
    console = Console(soft_wrap=True)
    printed = 0
    with tempfile.TemporaryDirectory(prefix="paystream-tail-") as cache:
        async with RegistryClient(url) as client:
            codec = Codec(registry=client, cache_dir=Path(cache))
            lines = tail(bootstrap, codec, wanted.topic, from_beginning=wanted.from_beginning, follow=wanted.follow)
            async for line in lines:
                if wanted.matches(line):
                    console.print_json(_json(line), indent=None)
                    printed += 1
                if printed == wanted.limit:
                    break
            await lines.aclose()


def _json(line: Line) -> str:
    content = {name: value for name, value in dataclasses.asdict(line).items() if name != "trouble" or value}
    return json.dumps(content, default=_text, ensure_ascii=False)


def _text(value: Any) -> str:
    """Show times in ISO 8601; anything else that JSON does not have, as Python does."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
