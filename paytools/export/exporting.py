"""A topic read into Parquet files, from its beginning or a moment on, or from where the last export ended."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from paykit.base.errors import RebuildFailedError
from paykit.consume.delivery import Record
from paykit.events import classes
from paykit.events.codec import Codec, UndecodableError
from paykit.events.registry import SchemaNotFoundError
from paykit.kafka import client as kafka
from paykit.rebuild.rereading import Rereader
from paytools.export.columns import row_of
from paytools.export.files import ExportError, ExportProgress, ParquetFiles

FILE_EVENTS_MAX = 1_000_000
"""Events of one generation: after so many, what is there is committed."""


@dataclass(frozen=True, kw_only=True)
class ExportSource:
    """What is exported.

    Attributes:
        topic: With the prefix, if there is one.
        since: Begin with what was written to the topic then or later; None for the beginning.
    """

    bootstrap: str
    topic: str
    since: datetime | None


async def export(source: ExportSource, codec: Codec, directory: Path) -> Counter[str]:
    """Write what a topic holds now, as far as the directory does not have it yet; events by their record's short name.

    Raises:
        ExportError: The directory has another topic's export, `since` is given and there is one already, or a record
            cannot be decoded.
        UnavailableError: Kafka or the registry cannot be reached.
    """
    with closing(ParquetFiles(directory)) as files:
        ends = dict(enumerate(await asyncio.to_thread(kafka.end_offsets, source.bootstrap, source.topic)))
        progress = await _begin(source, files.progress())
        reader = Rereader(
            bootstrap=source.bootstrap,
            service="export",
            positions={(source.topic, number): offset for number, offset in progress.offsets.items()},
        )
        try:
            return await _Export(files, codec, progress).run(reader, source.topic, ends)
        except RebuildFailedError as error:
            raise ExportError(str(error)) from error
        finally:
            await reader.close()


async def _begin(source: ExportSource, found: ExportProgress | None) -> ExportProgress:
    """Return where the export begins."""
    identity = (await asyncio.to_thread(kafka.incarnations, source.bootstrap, [source.topic]))[source.topic]
    if found is None:
        offsets = await asyncio.to_thread(kafka.offsets_since, source.bootstrap, source.topic, source.since)
        return ExportProgress(source=identity, generation=0, offsets=dict(enumerate(offsets)))
    if found.source != identity:
        raise ExportError(f"the directory has the export of another topic or cluster than {source.topic} has now")
    if source.since is not None:
        raise ExportError("the directory has an export, which goes on from where it ended: leave --since out")
    return found


class _Export:
    """One run."""

    def __init__(self, files: ParquetFiles, codec: Codec, progress: ExportProgress) -> None:
        self._files = files
        self._codec = codec
        self._progress = progress
        self._offsets = dict(progress.offsets)
        self._uncommitted = 0
        self._counts: Counter[str] = Counter()

    async def run(self, reader: Rereader, topic: str, ends: Mapping[int, int]) -> Counter[str]:
        self._files.begin(self._progress.generation + 1)
        async for records in reader.read({(topic, number): end for number, end in ends.items()}):
            for record in records:
                await self._add(record)
            if self._uncommitted >= FILE_EVENTS_MAX:
                self._commit()
                self._files.begin(self._files.generation + 1)
        if self._uncommitted:
            self._offsets |= {number: max(end, self._offsets.get(number, 0)) for number, end in ends.items()}
            self._commit()
        return self._counts

    async def _add(self, record: Record) -> None:
        value = record.value or b""
        try:
            schema_id = self._codec.peek(value)
            await self._codec.learn(schema_id)
            event = self._codec.decode(value)
        except (UndecodableError, SchemaNotFoundError) as error:
            raise ExportError(f"{record.topic}/{record.partition}, offset {record.offset}: {error}") from error
        name = event.RECORD.rpartition(".")[2]
        self._files.add(name, classes.own_files()[event.RECORD].schema, row_of(event, record))
        self._offsets[record.partition] = record.offset + 1
        self._uncommitted += 1
        self._counts[name] += 1

    def _commit(self) -> None:
        progress = ExportProgress(
            source=self._progress.source, generation=self._files.generation, offsets=self._offsets
        )
        self._files.commit(progress)
        self._uncommitted = 0
