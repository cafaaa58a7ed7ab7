"""Documents that services stream, written to a file or to standard output as they come."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from paytools.cli.addresses import fail

STREAM_S_MAX = 3600.0
"""How long a document may take."""

Output = Annotated[Path | None, typer.Option("--output", "-o", help="A new file; else standard output.")]


class Format(StrEnum):
    """What a report is written in."""

    CSV = "csv"
    JSON = "json"


def write(chunks: Iterator[bytes], output: Path | None) -> None:
    """Write the chunks as they come; a file is begun with the first, so that a refusal leaves none."""
    first = next(chunks, b"")
    if output is None:
        _write_all(first, chunks, sys.stdout.buffer)
        return
    try:
        with output.open("xb") as file:
            _write_all(first, chunks, file)
    except FileExistsError:
        fail(f"{output} is there already")


def _write_all(first: bytes, chunks: Iterator[bytes], file: BinaryIO) -> None:
    file.write(first)
    file.writelines(chunks)
    file.flush()
