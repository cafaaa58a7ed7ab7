"""Statement files of `paystream recon`: sent, and what they were taken as."""

import contextlib
import hashlib
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import grpc
import typer
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format

from paykit.serve.auth import CALLER_KEY
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from paystream.reconciliation.v1 import statement_pb2 as pb
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for

IMPORT_S_MAX = 600.0
CHUNK_BYTES = 256 * 1024
_STATEMENTS = ("statement", "currency", "day", "lines", "opening", "closing", "reference")


def import_file(
    file: Annotated[Path, typer.Argument(help="The statement file.", exists=True, dir_okay=False)],
    *,
    channel: Annotated[str, typer.Option(help="Whose statement it is, as in simulator.")],
    format_: Annotated[str, typer.Option("--format", help="csv, camt053 or mt940.")] = "csv",
    mapping: Annotated[
        Path | None, typer.Option(help="TOML of how the channel writes its files: docs/statements.md.", exists=True)
    ] = None,
    caller: Annotated[str | None, typer.Option("--as", help="Your name, which is kept with the file.")] = None,
    address: Annotated[str | None, typer.Option("--address", "-a", help="host:port; else the local stack's.")] = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Import a statement file, whole or not at all; the same file again changes nothing."""
    where = address or addresses.services(home).get("reconciliation") or addresses.fail("reconciliation does not run")
    header = _header(file, channel=channel, format_=format_, mapping=mapping)
    with contextlib.closing(grpc.insecure_channel(where)) as connection:
        wait_for(connection, where)
        stub = reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(connection)
        try:
            metadata = ((CALLER_KEY, caller),) if caller else ()
            imported = stub.ImportStatement(_requests(header, file), timeout=IMPORT_S_MAX, metadata=metadata)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
    known = f", {imported.file.known_line_count} of them known already" if imported.file.known_line_count else ""
    typer.echo(f"{imported.file.file_id}: {imported.file.line_count} lines{known}")
    table.echo(_STATEMENTS, [_statement(each) for each in imported.statements])


def _header(file: Path, *, channel: str, format_: str, mapping: Path | None) -> pb.StatementHeader:
    try:
        wanted = pb.StatementFormat.Value(f"STATEMENT_FORMAT_{format_.upper()}")
    except ValueError:
        raise typer.BadParameter(f"there is no format {format_}") from None
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    return pb.StatementHeader(
        request_id=str(uuid.uuid4()),
        channel=channel,
        format=wanted,
        file_name=file.name,
        mapping=_mapping(mapping),
        content_sha256=digest,
    )


def _mapping(file: Path | None) -> pb.StatementMapping | None:
    if file is None:
        return None
    try:
        return json_format.ParseDict(tomllib.loads(file.read_text(encoding="utf-8")), pb.StatementMapping())
    except (ValueError, json_format.ParseError) as error:
        raise typer.BadParameter(f"{file} is no mapping: {error}") from None


def _requests(header: pb.StatementHeader, file: Path) -> Iterator[pb.ImportStatementRequest]:
    yield pb.ImportStatementRequest(header=header)
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield pb.ImportStatementRequest(file=HttpBody(data=chunk))


def _statement(statement: pb.Statement) -> tuple[str, ...]:
    opening = str(statement.opening_balance_minor) if statement.HasField("opening_balance_minor") else ""
    closing = str(statement.closing_balance_minor) if statement.HasField("closing_balance_minor") else ""
    return (
        statement.statement_id,
        statement.currency_code,
        statement.statement_date,
        str(statement.line_count),
        opening,
        closing,
        statement.reference,
    )
