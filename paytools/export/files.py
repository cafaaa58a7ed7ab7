"""The files of an export, and how far they go: what is there is whole, and each event is in one of them.

Files are written by generations: those of one become visible, then the progress that names it. A generation that was
cut off is not named, and its files are removed by whoever goes on.
"""

import contextlib
import importlib
import json
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paytools.export.columns import arrow_schema

ROW_GROUP_ROWS = 10_000
"""Rows held in memory, over all records of the topic, before they are written."""
PROGRESS = "_progress.json"
_UNFINISHED = ".unfinished"


class ExportError(Exception):
    """The export cannot be made, or not gone on with; the text says why."""


def require_pyarrow() -> Any:
    """Import pyarrow.

    Raises:
        ExportError: It is not installed.
    """
    try:
        module = importlib.import_module("pyarrow")
        importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ExportError("Parquet needs pyarrow: pip install 'paystream[parquet]'") from error
    return module


@dataclass(frozen=True, kw_only=True)
class ExportProgress:
    """How far an export goes.

    Attributes:
        source: The cluster's and the topic's ids: offsets mean nothing in others.
        generation: The last that is whole; 0 before the first.
        offsets: The next offset of each partition.
    """

    source: tuple[str, str]
    generation: int
    offsets: Mapping[int, int]


class ParquetFiles:
    """The files of one topic, a folder for each record. Rows become visible with `commit`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pyarrow = require_pyarrow()
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._schemas: dict[str, Any] = {}
        self._writers: dict[str, Any] = {}
        self._waiting = 0
        self.generation = 0

    def progress(self) -> ExportProgress | None:
        """Read how far an earlier export went; None where there is none.

        Raises:
            ExportError: What says so cannot be read.
        """
        path = self._directory / PROGRESS
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            offsets = {int(number): int(offset) for number, offset in content["offsets"].items()}
            source = (str(content["cluster_id"]), str(content["topic_id"]))
            return ExportProgress(source=source, generation=int(content["generation"]), offsets=offsets)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(f"{path} does not say how far the export went: {error!r}") from error

    def begin(self, generation: int) -> None:
        """Begin a generation; what is left of one that was cut off is removed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self.generation = generation
        for path in self._directory.glob("*/*.parquet*"):
            number, _, rest = path.name.partition(".")
            if rest in ("parquet", f"parquet{_UNFINISHED}") and number.isdigit() and int(number) >= generation:
                path.unlink()

    def add(self, record: str, schema: Mapping[str, Any], row: dict[str, Any]) -> None:
        """Add a row to the file of its record."""
        if record not in self._schemas:
            self._schemas[record] = arrow_schema(schema, self._pyarrow)
        self._rows[record].append(row)
        self._waiting += 1
        if self._waiting >= ROW_GROUP_ROWS:
            self._write()

    def commit(self, progress: ExportProgress) -> None:
        """Make the generation's files visible, and then say how far they go."""
        self._write()
        for record, writer in self._writers.items():
            writer.close()
            path = self._path(record)
            _synced(path)
            path.replace(path.with_name(path.name.removesuffix(_UNFINISHED)))
        self._writers.clear()
        self._say(replace(progress, generation=self.generation))

    def close(self) -> None:
        """Give up what was not committed; its files are removed by whoever goes on."""
        for writer in self._writers.values():
            with contextlib.suppress(OSError):
                writer.close()
        self._writers.clear()

    def _write(self) -> None:
        parquet = importlib.import_module("pyarrow.parquet")
        for record, rows in self._rows.items():
            if record not in self._writers:
                self._path(record).parent.mkdir(exist_ok=True)
                self._writers[record] = parquet.ParquetWriter(self._path(record), self._schemas[record])
            self._writers[record].write_table(self._pyarrow.Table.from_pylist(rows, schema=self._schemas[record]))
        self._rows.clear()
        self._waiting = 0

    def _path(self, record: str) -> Path:
        return self._directory / record / f"{self.generation:08d}.parquet{_UNFINISHED}"

    def _say(self, progress: ExportProgress) -> None:
        cluster_id, topic_id = progress.source
        content = {
            "cluster_id": cluster_id,
            "topic_id": topic_id,
            "generation": progress.generation,
            "offsets": {str(number): offset for number, offset in sorted(progress.offsets.items())},
        }
        path = self._directory / f"{PROGRESS}{_UNFINISHED}"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        _synced(path)
        path.replace(self._directory / PROGRESS)


def _synced(path: Path) -> None:
    """Have the disk hold a file's content before its name says that it is whole."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
