"""`paystream schemas check|publish|export|register|list|diff`: the event schemas, in the files and in the registry."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, TypeVar

import typer

from paykit.base.errors import UnavailableError
from paykit.events import goldens, registration, schema_files
from paykit.events.registry import RegistryClient, SchemaRefusedError
from paytools.cli import addresses, table
from paytools.contracts import newest as newest_schemas
from paytools.contracts import published

T = TypeVar("T")

app = typer.Typer(help="The event schemas: rules, publication, registry.", no_args_is_help=True)

Root = Annotated[Path | None, typer.Option("--root", help="Directory of topics.toml; default: that of this build.")]
Gen = Annotated[
    Path | None, typer.Option("--gen", help="Directory of the generated code; default: gen/ of this build.")
]
Against = Annotated[str | None, typer.Option("--against", help="Ask this registry, too; nothing is registered.")]
Drafts = Annotated[bool, typer.Option("--drafts", help="Register versions that are not published, too.")]
Newest = Annotated[
    Path, typer.Option("--newest", help="Write the newest published version of each record to this directory.")
]


@app.command()
def check(root: Root = None, gen: Gen = None, against: Against = None, prefix: addresses.TopicPrefix = "") -> None:
    """Refuse schemas that break a rule, change what is published, or cannot be read by every other version."""
    root = root or schema_files.schema_root()
    violations = _gate().check(root, gen=gen or _gen(root))
    if against and not violations:
        chosen = list(schema_files.versions(root))
        violations = _with_registry(against, lambda client: registration.refusals(client, chosen, prefix=prefix))
    for violation in violations:
        typer.echo(str(violation), err=True)
    if violations:
        addresses.fail(f"{len(violations)} violations")
    drafts = _gate().drafts(root)
    for draft in drafts:
        typer.echo(f"draft: {draft.name}: `paystream schemas publish` makes it immutable")
    typer.echo(
        f"{sum(1 for _ in schema_files.versions(root))} schema versions keep the rules, {len(drafts)} of them drafts"
    )


@app.command()
def publish(root: Root = None, gen: Gen = None) -> None:
    """Make drafts immutable: check them, write their goldens' bytes, and append them to published.lock."""
    root = root or schema_files.schema_root()
    drafts = _gate().drafts(root)
    _propose_goldens(root, drafts)
    for draft in drafts:
        _write_body(draft)
    violations = _gate().check(root, gen=None) + _gate().stale(root, gen or _gen(root) or Path("gen"))
    for violation in violations:
        typer.echo(str(violation), err=True)
    if violations:
        addresses.fail(f"{len(violations)} violations: nothing was published")
    published.append_lock(root, drafts)
    for draft in drafts:
        typer.echo(f"published {draft.name}")
    if not drafts:
        typer.echo("no drafts: nothing to publish")


@app.command()
def export(newest: Newest, root: Root = None) -> None:
    """Write one schema per record, as `<topic>/<Record>.avsc`, for the code generators of other languages."""
    try:
        written = newest_schemas.export(root or schema_files.schema_root(), newest)
    except (newest_schemas.SharedTypesDifferError, newest_schemas.StrangersFoundError) as error:
        addresses.fail(str(error))
    typer.echo(f"{len(written)} schemas in {newest}")


@app.command()
def register(
    registry: addresses.RegistryUrl = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
    root: Root = None,
    drafts: Drafts = False,
) -> None:
    """Register every published version under its subject, with compatibility FULL_TRANSITIVE."""
    root = root or schema_files.schema_root()
    lock = published.read_lock(root)
    chosen = list(schema_files.versions(root))
    unpublished = [file.name for file in chosen if file.name not in lock]
    if unpublished and not drafts:
        addresses.fail(f"not published: {', '.join(unpublished)}; publish them, or give --drafts")
    url = addresses.find(registry, part="registry", home=home)
    done = _with_registry(url, lambda client: registration.register(client, chosen, prefix=prefix))
    for registered in done:
        what = "registered" if registered.new else "unchanged"
        typer.echo(f"{what} {registered.subject} {registered.file.version} id {registered.schema_id}")


@app.command("list")
def list_(root: Root = None) -> None:
    """List every version of every record, from the files."""
    root = root or schema_files.schema_root()
    lock = published.read_lock(root)
    table.echo(
        ("topic", "record", "version", "state"),
        [
            (file.topic, file.full_name, str(file.version), "published" if file.name in lock else "draft")
            for file in schema_files.versions(root)
        ],
    )


@app.command()
def diff(
    registry: addresses.RegistryUrl = None,
    prefix: addresses.TopicPrefix = "",
    home: addresses.Home = addresses.DEFAULT_HOME,
    root: Root = None,
) -> None:
    """Compare the files with the registry; exit status 1 when they differ."""
    url = addresses.find(registry, part="registry", home=home)
    chosen = list(schema_files.versions(root or schema_files.schema_root()))
    lines = _with_registry(url, lambda client: registration.differences(client, chosen, prefix=prefix))
    table.echo(
        ("subject", "version", "id", "compatibility", "registry"),
        [
            (line.subject, str(line.version), str(line.schema_id or "-"), line.level or "-", line.presence)
            for line in lines
        ],
    )
    different = [line for line in lines if line.presence is not registration.Presence.SAME]
    if different:
        addresses.fail(f"{len(different)} of {len(lines)} schemas differ")


def _write_body(draft: schema_files.SchemaFile) -> None:
    try:
        goldens.write_body(draft)
    except ValueError as error:
        addresses.fail(f"{draft.name}: {error}")


def _propose_goldens(root: Path, drafts: list[schema_files.SchemaFile]) -> None:
    """Write an example to edit beside each draft that has none, and leave: only a person can make it meaningful."""
    lacking = [draft for draft in drafts if not goldens.json_path(draft).exists()]
    for draft in lacking:
        text = goldens.draft_text(draft, root)
        goldens.json_path(draft).write_text(text, encoding="utf-8")
        typer.echo(f"proposed {goldens.json_path(draft).relative_to(root)}: give every value a meaning", err=True)
    if lacking:
        addresses.fail("edit the proposed goldens, then publish again")


def _gen(root: Path) -> Path | None:
    """Find the generated code of a checkout; an installed package has none to compare."""
    gen = root.parents[1] / "gen"
    return gen if gen.is_dir() else None


def _gate() -> ModuleType:
    """Import late: Apache's avro package checks schemas and is not among what a service needs to run."""
    try:
        return importlib.import_module("paytools.contracts.gate")
    except ModuleNotFoundError as error:
        addresses.fail(f"checking schemas needs the package {error.name}; scripts/setup.sh installs it")


def _with_registry(url: str, work: Callable[[RegistryClient], Awaitable[T]]) -> T:
    async def run() -> T:
        async with RegistryClient(url) as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except (UnavailableError, SchemaRefusedError, registration.CompatibilityUnsetError) as error:
        addresses.fail(str(error))
