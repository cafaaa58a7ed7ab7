"""Imports of many modules at once, as a process starts, for less of the processor."""

import gc
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType

PREFERRING = ("structlog", "httpx")
"""Libraries that import what draws in colours where it is installed: for tracebacks with local variables, which `logs`
never writes, and for a command of their own."""
_DRAWING = ("rich", "pygments")


@contextmanager
def quickly(*plainly: str) -> Iterator[None]:
    """Have what is imported here take less.

    No garbage is looked for: what is imported stays, and to go through all of it again and again finds nothing.

    Args:
        plainly: Libraries, of `PREFERRING`, to import at once and without what draws in colours. Others import that
            afterwards as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        _import_plainly(plainly)
        yield
    finally:
        if was_on:
            gc.enable()


def _import_plainly(names: Sequence[str]) -> None:
    withheld = [name for name in _DRAWING if name not in sys.modules]
    # An import of these fails, as where they are not installed.
    sys.modules.update(dict.fromkeys(withheld, cast("ModuleType", None)))
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        for name in withheld:
            del sys.modules[name]
