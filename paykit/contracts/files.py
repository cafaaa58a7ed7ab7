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
        partitions: Never changed: the order per key hangs on it.
        configs: Kafka topic configuration.
    """

    name: str
    key: str
    keys: Mapping[str, str]
    producer: str
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


class SchemasNotFoundError(Exception):
    """The schema files are not where they belong."""


def schema_root() -> Path:
    """Give schemas/avro, which lies beside this package in a checkout and when installed.

    Raises:
        SchemasNotFoundError: When it does not.
    """
    root = Path(__file__).resolve().parents[2] / "schemas" / "avro"
    if not (root / "topics.toml").is_file():
        raise SchemasNotFoundError(f"no schema files in {root}")
    return root


def registry_text(schema: dict[str, Any]) -> str:
    """Give the text under which a schema is registered: the file without its layout."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def fingerprint(schema: dict[str, Any]) -> str:
    """Give the SHA-256 of a schema, docs included, whatever its layout and the order of its keys."""
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
        partitions=entry["partitions"],
        configs={**defaults["configs"], **entry["configs"]},
    )


def versions(root: Path) -> Iterator[SchemaFile]:
    """Read every version of every record, ordered by topic, record and version."""
    for topic in sorted(path for path in root.iterdir() if path.is_dir()):
        for record in sorted(path for path in topic.iterdir() if path.is_dir()):
            for path in sorted(record.glob("*.avsc"), key=lambda path: int(path.stem)):
                schema = json.loads(path.read_text(encoding="utf-8"))
                yield SchemaFile(topic=topic.name, record=record.name, version=int(path.stem), path=path, schema=schema)


def newest(root: Path) -> list[SchemaFile]:
    """Read the newest version of every record, ordered by topic and record."""
    return list({(file.topic, file.record): file for file in versions(root)}.values())
