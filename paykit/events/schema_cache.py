"""Schema ids and schemas on disk, so that a process starts and works while the registry is down.

One small file per fact, below a directory per registry: processes that write side by side lose nothing. The
registry stays the authority: the cache is asked only when the registry cannot be.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path


class SchemaCache:
    """What one registry said."""

    def __init__(self, directory: Path, registry_url: str) -> None:
        self._directory = directory / "schemas" / _digest(registry_url)

    def schema_id(self, subject: str, schema: str) -> int | None:
        """Return the id remembered for a schema under a subject."""
        text = self._read(self._id_path(subject, schema))
        return None if text is None else int(json.loads(text))

    def schema(self, schema_id: int) -> str | None:
        """Return the schema remembered for an id."""
        return self._read(self._schema_path(schema_id))

    def remember_id(self, subject: str, schema: str, schema_id: int) -> None:
        """Keep the id of a schema under a subject.

        Another id than before means that the registry was made anew: what it said before is forgotten.
        """
        if self.schema_id(subject, schema) not in (None, schema_id):
            shutil.rmtree(self._directory, ignore_errors=True)
        self._write(self._id_path(subject, schema), json.dumps(schema_id))
        self.remember_schema(schema_id, schema)

    def remember_schema(self, schema_id: int, schema: str) -> None:
        """Keep the schema of an id."""
        self._write(self._schema_path(schema_id), schema)

    def _id_path(self, subject: str, schema: str) -> Path:
        return self._directory / "ids" / f"{_digest(subject + chr(0) + schema)}.json"

    def _schema_path(self, schema_id: int) -> Path:
        return self._directory / "schemas" / f"{schema_id}.avsc"

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except OSError:
            return None

    def _write(self, path: Path, text: str) -> None:
        """Replace the file in one step; a cache that cannot be written costs a question, never the work."""
        if self._read(path) == text:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(scratch).replace(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
