"""Aligned columns that are never cut or wrapped, so that they can be piped."""

from collections.abc import Iterable, Sequence

import typer


def echo(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a header and rows, each column as wide as its widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
