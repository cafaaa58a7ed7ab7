"""The schema files: `<topic>/<Record>/<n>.avsc` under `schemas/avro`, and `topics.toml` beside them."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic as declared.

    Attributes:
        name: Without a topic prefix.
        key: Field that is the Kafka key.
        keys: Records of the topic whose key is another field.
        producer: The only service that writes to it.
        consumers: Services that read it; each has a topic for its dead letters.
        partitions: Where an installation sets no other number; the order per key hangs on it.
        configs: Kafka topic configuration.
    """

    name: str
    key: str
    keys: Mapping[str, str]
    producer: str
    consumers: tuple[str, ...]
    partitions: int
    configs: Mapping[str, str]

    def key_of(self, record_name: str) -> str:
        """Name the key field of a record, given its name without the namespace."""
        return self.keys.get(record_name, self.key)


@dataclass(frozen=True, kw_only=True)
class SchemaFile:
    """One version of one record.

    Attributes:
        topic: Without a topic prefix.
        record: Name without the namespace; also the name of the directory.
        version: From 1.
        path: Of the `.avsc` file.
        schema: The parsed JSON, unchanged.
    """

    topic: str
    record: str
    version: int
    path: Path
    schema: dict[str, Any]

    @property
    def full_name(self) -> str:
        """Name with the namespace, as in `paystream.payment.v1.PaymentSuccess`."""
        return f"{self.schema['namespace']}.{self.schema['name']}"

    @property
    def name(self) -> str:
        """Path relative to the root, as in `payment.events/PaymentSuccess/1.avsc`."""
        return f"{self.topic}/{self.record}/{self.version}.avsc"


class SchemaFileError(Exception):
    """A schema file cannot be read.

    Attributes:
        name: Path relative to the root.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class SchemasNotFoundError(Exception):
    """The schema files are not where they belong."""


def schema_root() -> Path:
    """Return schemas/avro, which lies beside this package in a checkout and when installed.

    Raises:
        SchemasNotFoundError: When it does not.
    """
    root = Path(__file__).resolve().parents[2] / "schemas" / "avro"
    if not (root / "topics.toml").is_file():
        raise SchemasNotFoundError(f"no schema files in {root}")
    return root


def registry_text(schema: dict[str, Any]) -> str:
    """Return the text under which a schema is registered: the file without its layout."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def schema_of(text: str) -> dict[str, Any]:
    """Parse a registered schema."""
    schema: dict[str, Any] = json.loads(text)
    return schema


def fingerprint(schema: dict[str, Any]) -> str:
    """Return the SHA-256 of a schema, docs included, whatever its layout and the order of its keys."""
    canonical = json.dumps(schema, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def load_topics(root: Path) -> dict[str, Topic]:
    """Read the declared topics by name, in the order of the file."""
    declared = tomllib.loads((root / "topics.toml").read_text(encoding="utf-8"))
    defaults = declared.pop("defaults")
    return {name: _topic(name, {**defaults, **entry}, defaults) for name, entry in declared.items()}


def _topic(name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Topic:
    return Topic(
        name=name,
        key=entry["key"],
        keys=entry.get("keys", {}),
        producer=entry["producer"],
        consumers=tuple(entry["consumers"]),
        partitions=entry["partitions"],
        configs={**defaults["configs"], **entry["configs"]},
    )


def versions(root: Path) -> Iterator[SchemaFile]:
    """Read every version of every record, ordered by topic, record and version.

    Raises:
        SchemaFileError: A file is not JSON, not an object, or not named by a version.
    """
    for path in sorted(root.glob("*/*/*.avsc"), key=lambda path: (path.parts[:-1], len(path.stem), path.stem)):
        yield load(path)


def load(path: Path) -> SchemaFile:
    """Read one version.

    Raises:
        SchemaFileError: It is not JSON, not an object, or not named by a version.
    """
    name = "/".join(path.parts[-3:])
    if not path.stem.isdecimal() or path.stem.startswith("0"):
        raise SchemaFileError(name, "the name of the file is not a version number")
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SchemaFileError(name, f"not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise SchemaFileError(name, "not a JSON object")
    topic, record = path.parts[-3:-1]
    return SchemaFile(topic=topic, record=record, version=int(path.stem), path=path, schema=schema)


def newest(root: Path) -> list[SchemaFile]:
    """Read the newest version of every record, ordered by topic and record."""
    return list({(file.topic, file.record): file for file in versions(root)}.values())
