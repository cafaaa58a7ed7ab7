"""Goldens: one worked example per schema version.

`<n>.golden.json` is written by hand, with times in ISO 8601; `<n>.golden.bin` is its Avro body, without the five bytes
of Confluent's prefix, because a schema id belongs to one registry and a golden to all.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from paykit.events import schema_files


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One worked example.

    Attributes:
        topic: Without a topic prefix.
        record: Full name of the Avro record.
        version: Of the schema file.
        value: What the example says, times as aware datetimes.
        body: Its Avro bytes, without prefix.
        schema: The writer's schema.
    """

    topic: str
    record: str
    version: int
    value: dict[str, Any]
    body: bytes
    schema: dict[str, Any]

    def message(self, schema_id: int) -> bytes:
        """Return the bytes as they stand on Kafka, under the id of a registry."""
        return b"\x00" + schema_id.to_bytes(4) + self.body

    def read_as(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Decode the bytes with another version's schema as the reader's."""
        record = schemaless_reader(io.BytesIO(self.body), parse_schema(self.schema), parse_schema(schema))
        return cast("dict[str, Any]", record)


def json_path(file: schema_files.SchemaFile) -> Path:
    """Return the path of a version's example as JSON."""
    return file.path.with_suffix(".golden.json")


def body_path(file: schema_files.SchemaFile) -> Path:
    """Return the path of a version's example as bytes."""
    return file.path.with_suffix(".golden.bin")


def load(file: schema_files.SchemaFile) -> Golden:
    """Read the example of a version.

    Raises:
        FileNotFoundError: It has none.
    """
    return Golden(
        topic=file.topic,
        record=file.full_name,
        version=file.version,
        value=_from_json(file.schema, read_json(file)),
        body=body_path(file).read_bytes(),
        schema=file.schema,
    )


def load_all(root: Path) -> Iterator[Golden]:
    """Read the examples of every version that has one, in the order of the files."""
    for file in schema_files.versions(root):
        if json_path(file).exists() and body_path(file).exists():
            yield load(file)


def read_json(file: schema_files.SchemaFile) -> Any:
    """Read the example of a version as it is written.

    Raises:
        FileNotFoundError: It has none.
    """
    return json.loads(json_path(file).read_text(encoding="utf-8"))


def encode(file: schema_files.SchemaFile) -> bytes:
    """Make the bytes of a version's example from its JSON.

    Raises:
        ValueError: The example leaves out or adds a field, or a value does not fit its type.
    """
    buffer = io.BytesIO()
    value = read_json(file)
    try:
        schemaless_writer(buffer, parse_schema(file.schema), _from_json(file.schema, value), strict=True)
    except Exception as error:  # fastavro raises whatever the wrong value led to.
        raise ValueError(f"{json_path(file).name}: {type(error).__name__}: {error}") from error
    return buffer.getvalue()


def draft_text(file: schema_files.SchemaFile, root: Path) -> str:
    """Propose an example: the values of the version before, and the default of every field that it does not have."""
    before = root / file.topic / file.record / f"{file.version - 1}.golden.json"
    draft = json.loads(before.read_text(encoding="utf-8")) if before.exists() else {}
    value = {field["name"]: draft.get(field["name"], field.get("default")) for field in file.schema["fields"]}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_body(file: schema_files.SchemaFile) -> None:
    """Write the bytes of a version's example."""
    body_path(file).write_bytes(encode(file))


def _from_json(node: Any, value: Any) -> Any:
    """Turn ISO 8601 texts into datetimes where the schema says that a value is a time."""
    if value is None:
        return None
    match node:
        case {"type": "record", "fields": fields} if isinstance(value, dict):
            types = {field["name"]: field["type"] for field in fields}
            return {name: _from_json(types.get(name), inner) for name, inner in value.items()}
        case {"type": "array", "items": items}:
            return [_from_json(items, inner) for inner in value]
        case ["null", inner]:
            return _from_json(inner, value)
        case {"logicalType": "timestamp-micros"}:
            return datetime.fromisoformat(value)
    return value
