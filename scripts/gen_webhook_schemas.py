"""Generate the JSON Schemas of webhooks, docs/webhooks/<type>.schema.json, from schemas/avro; `--check` compares."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paykit.events import schema_files
from services.notification.domain.webhooks import body

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "docs" / "webhooks"
TIMESTAMP = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
}
INTEGER = {"type": "integer", "minimum": -body.INTEGER_MAX, "maximum": body.INTEGER_MAX}
SIMPLE: Mapping[str, dict[str, Any]] = {"long": INTEGER, "string": {"type": "string"}, "boolean": {"type": "boolean"}}
TEST_FIELDS = {
    "event_id": {"type": "string", "description": "Identity of the test: the same as webhook-id."},
    "occurred_at": TIMESTAMP,
    "merchant_id": {"type": "string", "description": "The merchant: mer_ and a UUIDv7."},
    "endpoint_id": {"type": "string", "description": "The endpoint that is tried: whe_ and 32 hexadecimal digits."},
}


def main() -> None:
    """Write the files, or say which are stale and leave with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    wanted = {DIRECTORY / f"{event_type}.schema.json": text for event_type, text in texts()}
    present = set(DIRECTORY.glob("*.schema.json"))
    if parser.parse_args().check:
        stale = [p for p in sorted({*wanted, *present}) if not p.exists() or p.read_text() != wanted.get(p)]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run make gen\n")
        sys.exit(bool(stale))
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for path in present - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


def texts() -> Iterator[tuple[str, str]]:
    """Yield every type that is sent, and the text of its schema."""
    newest = {file.full_name: file.schema for file in schema_files.newest(schema_files.schema_root())}
    for event_type, event in body.EVENTS.items():
        yield (
            event_type,
            _text(event_type, newest[event.RECORD]["doc"], _properties(newest[event.RECORD], body.WITHHELD_FIELDS)),
        )
    yield body.TEST_TYPE, _text(body.TEST_TYPE, "A test that SendTestWebhook asked for.", TEST_FIELDS)


def _text(event_type: str, doc: str, properties: Mapping[str, Any]) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type,
        "description": doc,
        "type": "object",
        "properties": {
            "type": {"const": event_type},
            "timestamp": {**TIMESTAMP, "description": "When it happened, as data.occurred_at."},
            "data": _object(properties),
        },
        "required": ["type", "timestamp", "data"],
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object, which may get more fields later."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _properties(record: Mapping[str, Any], withheld: frozenset[str] = frozenset()) -> dict[str, Any]:
    named: dict[str, Any] = {}
    return {
        field["name"]: {**_type(field["type"], named), "description": field["doc"]}
        for field in record["fields"]
        if field["name"] not in withheld or _learn(field["type"], named)
    }


def _learn(node: Any, named: dict[str, Any]) -> bool:
    """Take note of the types that a withheld field names; says that the field is none."""
    _type(node, named)
    return False


def _type(node: Any, named: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an Avro type; what it names is known from then on by its name."""
    match node:
        case ["null", inner]:
            schema = _type(inner, named)
            return {**schema, "type": [schema["type"], "null"]}
        case {"type": "enum" | "record", "name": name}:
            named[name] = _named(node, named)
            return dict(named[name])
        case {"type": "array", "items": items}:
            return {"type": "array", "items": _type(items, named)}
        case str():
            return dict(SIMPLE.get(node) or named[node.rpartition(".")[2]])
    return TIMESTAMP if node.get("logicalType") == "timestamp-micros" else _type(node["type"], named)


def _named(node: Mapping[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    if node["type"] == "enum":
        # New symbols may come, so they are examples and no enum.
        return {"type": "string", "examples": node["symbols"]}
    return _object({f["name"]: {**_type(f["type"], named), "description": f["doc"]} for f in node["fields"]})


if __name__ == "__main__":
    main()
