"""Showing what `up` is doing: a live table on a terminal, one line per event elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

WAITING = "waits for what it needs"
"""What a part does until its turn comes; no news, so it is shown on a terminal only."""


class Progress(Protocol):
    """Told what happens to each part."""

    def update(self, name: str, doing: str) -> None:
        """Say what a part does now; called often, with the same text as long as nothing changes."""

    def done(self, name: str, result: str) -> None:
        """Say how a part ended up."""


class Quiet:
    """Shows nothing."""

    def update(self, name: str, doing: str) -> None:
        """Ignore it."""

    def done(self, name: str, result: str) -> None:
        """Ignore it."""


class Display:
    """A context manager that shows progress on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._texts: dict[str, str] = {}
        self._results: dict[str, str] = {}
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def update(self, name: str, doing: str) -> None:
        """Show what a part does."""
        if doing and self._texts.get(name) != doing:
            self._texts[name] = doing
            if doing != WAITING:
                self._print(name, doing)

    def done(self, name: str, result: str) -> None:
        """Show how it ended up, and after how long."""
        self._texts.pop(name, None)
        self._results[name] = f"{result}  ({time.monotonic() - self._started:.1f} s)"
        self._print(name, self._results[name])

    def _print(self, name: str, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{name}: {text}", highlight=False, markup=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, result in self._results.items():
            table.add_row("[green]✓[/green]", name, result)
        for name, doing in self._texts.items():
            table.add_row(Spinner("dots"), name, doing)
        return table
