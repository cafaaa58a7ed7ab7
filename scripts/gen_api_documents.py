"""Generate docs/api from the topics and the newest schemas; `--check` compares.

- `asyncapi.yaml`: every topic, who sends and who receives what on it (AsyncAPI 3.0).
- `contracts/<topic>.odcs.yaml`: each topic as a data set, field by field (Open Data Contract Standard 3.1).

JSON is YAML, and is written by the standard library the same everywhere: so both are.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paykit.events import schema_files
from paykit.events.schema_files import SchemaFile, Topic
from paytools.contracts.generator import UnsupportedSchemaError

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas" / "avro"
DIRECTORY = ROOT / "docs" / "api"
PATTERNS = ("asyncapi.yaml", "contracts/*.yaml")

AVRO = "application/vnd.apache.avro;version=1.12.0"
HEADERS = {
    "ce_id": "The event_id: de-duplicate by it.",
    "ce_type": "The full name of the Avro record.",
    "ce_source": "The service that sent it.",
    "ce_subject": "The Kafka key, the id of what it is about.",
    "ce_time": "The occurred_at.",
    "ce_specversion": "1.0.",
    "ce_dataschema": "Topic, record and version, for who has the files and no registry.",
    "content-type": "application/avro.",
    "traceparent": "W3C trace context.",
}
LOGICAL_TYPES: Mapping[str, str] = {"long": "integer", "string": "string", "boolean": "boolean", "bytes": "string"}
"""The contract's logical types of Avro's."""


def main() -> None:
    """Write the files, or say which are stale and leave with 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    wanted = {DIRECTORY / name: _text(document) for name, document in documents()}
    present = {path for pattern in PATTERNS for path in DIRECTORY.glob(pattern)}
    if parser.parse_args().check:
        stale = [p for p in sorted({*wanted, *present}) if not p.exists() or p.read_text() != wanted.get(p)]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run make gen\n")
        sys.exit(bool(stale))
    for path in present - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _text(document: dict[str, Any]) -> str:
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every document by its path in docs/api."""
    topics = schema_files.load_topics(SCHEMAS)
    records: dict[str, list[SchemaFile]] = {name: [] for name in topics}
    for file in schema_files.newest(SCHEMAS):
        records[file.topic].append(file)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    yield "asyncapi.yaml", asyncapi(topics, records, version=version)
    for name, topic in topics.items():
        yield f"contracts/{name}.odcs.yaml", data_contract(topic, records[name], version=version)


def asyncapi(topics: Mapping[str, Topic], records: Mapping[str, list[SchemaFile]], *, version: str) -> dict[str, Any]:
    """Describe all topics in one document, whose payloads are the schema files themselves."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "paystream events",
            "version": version,
            "description": "What paystream tells. Order holds per Kafka key; every event comes at least once.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The brokers of an installation; a topic prefix, where it has one, leads every address.",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {name: _channel(topic, records[name]) for name, topic in topics.items()},
        "operations": dict(operation for topic in topics.values() for operation in _operations(topic)),
        "components": {
            "messages": {
                file.record: _message(topic, file) for name, topic in topics.items() for file in records[name]
            },
            "schemas": {"Headers": _headers()},
        },
    }


def _channel(topic: Topic, files: list[SchemaFile]) -> dict[str, Any]:
    configs = topic.configs
    return {
        "address": topic.name,
        "description": f"What {topic.producer} tells, keyed by {topic.key} unless a message says otherwise.",
        "messages": {file.record: {"$ref": f"#/components/messages/{file.record}"} for file in files},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [configs["cleanup.policy"]],
                    "retention.ms": int(configs["retention.ms"]),
                    "retention.bytes": int(configs["retention.bytes"]),
                    "max.message.bytes": int(configs["max.message.bytes"]),
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    yield f"{topic.producer} sends {topic.name}", {"action": "send", "channel": channel}
    for consumer in topic.consumers:
        yield f"{consumer} receives {topic.name}", {"action": "receive", "channel": channel}


def _message(topic: Topic, file: SchemaFile) -> dict[str, Any]:
    return {
        "name": file.full_name,
        "title": file.record,
        "summary": file.schema["doc"],
        "contentType": "application/avro",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"schemaFormat": AVRO, "schema": {"$ref": f"../../schemas/avro/{file.name}"}},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The field {topic.key_of(file.record)}."},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicRecordNameStrategy",
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in HEADERS.items()}
    return {"type": "object", "properties": properties}


def data_contract(topic: Topic, files: list[SchemaFile], *, version: str) -> dict[str, Any]:
    """Describe one topic as a data set, an object for each type of event."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"paystream.{topic.name}",
        "name": topic.name,
        "version": version,
        "status": "active",
        "dataProduct": topic.producer,
        "description": {
            "purpose": f"The facts that {topic.producer} tells, kept for ever.",
            "usage": "Read from the beginning, de-duplicate by event_id, skip unknown types: docs/consumers.md.",
            "limitations": "Order holds per key alone. Types, optional fields and symbols are added without notice.",
        },
        "servers": [
            {"server": "kafka", "type": "kafka", "host": "127.0.0.1:9092", "format": "avro", "environment": "local"}
        ],
        "schema": [_object(topic, file) for file in files],
        "slaProperties": [
            {"property": "retention", "value": "unlimited"},
            {"property": "compatibility", "value": "FULL_TRANSITIVE"},
        ],
    }


def _object(topic: Topic, file: SchemaFile) -> dict[str, Any]:
    return {
        "name": file.record,
        "physicalName": file.full_name,
        "physicalType": f"Avro record, version {file.version}",
        "logicalType": "object",
        "description": file.schema["doc"],
        "properties": [_property(field, topic.key_of(file.record)) for field in file.schema["fields"]],
    }


def _property(field: dict[str, Any], key: str = "") -> dict[str, Any]:
    kind = field["type"]
    optional = isinstance(kind, list)
    described = {
        "name": field["name"],
        **_typed(kind[1] if optional else kind),
        "description": field["doc"],
        "required": not optional,
    }
    if field["name"] == "event_id":
        described["unique"] = True
    if field["name"] == key:
        described["partitioned"], described["partitionKeyPosition"] = True, 1
    return described


def _typed(kind: Any) -> dict[str, Any]:
    match kind:
        case {"type": "long", "logicalType": "timestamp-micros"}:
            return {"logicalType": "timestamp", "physicalType": "timestamp-micros"}
        case {"type": "enum"}:
            symbols = ", ".join(kind["symbols"])
            return {"logicalType": "string", "physicalType": f"enum {kind['name']}: {symbols}"}
        case {"type": "record"}:
            properties = [_property(field) for field in kind["fields"]]
            return {"logicalType": "object", "physicalType": f"record {kind['name']}", "properties": properties}
        case {"type": "array"}:
            items = {"name": "item", **_typed(kind["items"])}
            return {"logicalType": "array", "physicalType": "array", "items": items}
        case str() if kind in LOGICAL_TYPES:
            return {"logicalType": LOGICAL_TYPES[kind], "physicalType": kind}
    raise UnsupportedSchemaError(f"no logical type for {kind}")


if __name__ == "__main__":
    main()
