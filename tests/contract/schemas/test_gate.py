"""What `paystream schemas check` refuses, and what it lets pass: each refusal names file, field and rule."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paykit.events import schema_files
from paykit.events.violation import Rule
from paytools.contracts import gate
from tests.contract.schemas.conftest import SUCCESS, Schemas, field

V1, V2 = f"{SUCCESS}/1.avsc", f"{SUCCESS}/2.avsc"
OPTIONAL = {"name": "note", "type": ["null", "string"], "default": None, "doc": "A note."}


def broken(schemas: Schemas) -> set[tuple[str, str, Rule]]:
    return {(violation.file, violation.field, violation.rule) for violation in gate.check(schemas.root)}


def append(**definition: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema["fields"].append(definition)


def change(name: str, **edits: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: field(schema, name).update(edits)


def named(node: Any, name: str) -> dict[str, Any]:
    """Find the definition of a type, however deep."""
    found = [inner for inner in _nodes(node) if inner.get("name") == name and inner["type"] in ("enum", "record")]
    return found[0]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(inner)


def holders(schemas: Schemas, name: str) -> dict[str, int]:
    """Give the newest version of each record that defines a type."""
    return {
        f"{file.topic}/{file.record}": file.version
        for file in schema_files.newest(schemas.root)
        if any(inner.get("name") == name for inner in _nodes(file.schema))
    }


def test_the_schemas_of_this_build_keep_every_rule_and_are_all_published() -> None:
    root = schema_files.schema_root()
    assert gate.check(root, gen=root.parents[1] / "gen") == []
    assert gate.drafts(root) == []


def test_an_optional_field_with_default_as_version_2_passes(schemas: Schemas) -> None:
    schemas.add(2, append(**OPTIONAL))
    assert broken(schemas) == set()
    assert [file.name for file in gate.drafts(schemas.root)] == [V2]


def test_a_symbol_added_to_an_enum_of_every_record_that_has_it_passes(schemas: Schemas) -> None:
    for record, version in holders(schemas, "PaymentMethod").items():
        schemas.add(
            version + 1, lambda schema: named(schema, "PaymentMethod")["symbols"].append("SHELLS"), record=record
        )
    assert broken(schemas) == set()


def test_a_symbol_added_to_an_enum_of_one_record_alone_is_refused(schemas: Schemas) -> None:
    schemas.add(2, lambda schema: field(schema, "method")["type"]["symbols"].append("SHELLS"))
    assert broken(schemas) == {(V2, "method", Rule.SHARED_TYPE_DIFFERS)}


@pytest.mark.parametrize(
    "edit",
    [
        append(**OPTIONAL),
        change("fee_minor", doc="Another meaning."),
        lambda schema: schema["fields"].pop(),
        lambda schema: field(schema, "method")["type"]["symbols"].append("SHELLS"),
    ],
    ids=["field added", "doc changed", "field removed", "symbol added"],
)
def test_an_edited_published_version_is_refused(schemas: Schemas, edit: Callable[[dict[str, Any]], None]) -> None:
    schemas.edit(f"{SUCCESS}/1", edit)
    assert (V1, "", Rule.PUBLISHED_EDITED) in broken(schemas)


def test_another_layout_of_a_published_version_is_no_edit(schemas: Schemas) -> None:
    schemas.edit(f"{SUCCESS}/1", lambda _schema: None)
    assert (schemas.root / V1).read_text() != (schema_files.schema_root() / V1).read_text()
    assert broken(schemas) == set()


def test_a_removed_published_version_is_refused(schemas: Schemas) -> None:
    (schemas.root / V1).unlink()
    assert broken(schemas) == {(V1, "", Rule.PUBLISHED_REMOVED)}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (append(name="colour", type="string", doc="Required."), ("colour", Rule.INCOMPATIBLE)),
        (change("fee_minor", type="string"), ("fee_minor", Rule.INCOMPATIBLE)),
        (change("fee_minor", type="boolean"), ("fee_minor", Rule.INCOMPATIBLE)),
        (lambda schema: schema["fields"].remove(field(schema, "capture_id")), ("capture_id", Rule.INCOMPATIBLE)),
        (lambda schema: field(schema, "method")["type"].update(name="Instrument"), ("method", Rule.INCOMPATIBLE)),
        (
            change("occurred_at", type={"type": "long", "logicalType": "timestamp-millis"}),
            ("occurred_at", Rule.LOGICAL_TYPE_CHANGED),
        ),
        (change("occurred_at", type="long"), ("occurred_at", Rule.LOGICAL_TYPE_CHANGED)),
    ],
    ids=["required field", "long to string", "long to boolean", "removed", "renamed enum", "unit", "no unit"],
)
def test_an_incompatible_version_2_is_refused(
    schemas: Schemas, edit: Callable[[dict[str, Any]], None], expected: tuple[str, Rule]
) -> None:
    schemas.add(2, edit)
    assert (V2, *expected) in broken(schemas)


def test_a_changed_scale_is_refused(schemas: Schemas) -> None:
    """Avro itself calls it compatible: the bytes of 12.34 would be read as 1.234."""
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
    schemas.add(2, append(name="rate", type=["null", decimal], default=None, doc="A rate."))
    schemas.add(3, change("rate", type=["null", {**decimal, "scale": 3}]))
    message = "decimal precision 18 scale 2 in version 2, decimal precision 18 scale 3 here"
    found = [violation for violation in gate.check(schemas.root) if violation.rule is Rule.LOGICAL_TYPE_CHANGED]
    assert [(violation.file, violation.field, violation.message) for violation in found] == [
        (f"{SUCCESS}/3.avsc", "rate", message)
    ]


def test_a_version_is_compared_with_all_earlier_ones_and_not_only_the_last(schemas: Schemas) -> None:
    """Version 3 brings back a name that version 2 had left out, with another type: 2 and 3 agree, 1 and 3 do not."""
    schemas.add(2, append(**OPTIONAL))
    schemas.add(3, lambda schema: schema["fields"].pop())
    schemas.add(4, append(**{**OPTIONAL, "type": ["null", "long"]}))
    found = [violation for violation in gate.check(schemas.root) if violation.rule is Rule.INCOMPATIBLE]
    assert {(violation.file, violation.field) for violation in found} == {(f"{SUCCESS}/4.avsc", "note")}
    assert all("version 2" in violation.message for violation in found)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda schema: schema.pop("doc"), ("", Rule.DOC_MISSING)),
        (lambda schema: field(schema, "fee_minor").pop("doc"), ("fee_minor", Rule.DOC_MISSING)),
        (change("fee_minor", doc=" "), ("fee_minor", Rule.DOC_MISSING)),
        (lambda schema: field(schema, "method")["type"].pop("doc"), ("method", Rule.DOC_MISSING)),
        (lambda schema: field(schema, "method")["type"].pop("default"), ("method", Rule.ENUM_WITHOUT_UNKNOWN)),
        (
            lambda schema: field(schema, "method")["type"].update(default="CARD"),
            ("method", Rule.ENUM_WITHOUT_UNKNOWN),
        ),
        (append(**{**OPTIONAL, "type": ["null", "int"]}), ("note", Rule.INTEGER_NOT_LONG)),
        (append(**{**OPTIONAL, "type": ["null", "double"]}), ("note", Rule.FLOATING_POINT)),
        (append(**{**OPTIONAL, "type": ["null", "float"]}), ("note", Rule.FLOATING_POINT)),
        (append(**{**OPTIONAL, "type": ["string", "null"], "default": ""}), ("note", Rule.UNION_NOT_OPTIONAL)),
        (append(**{**OPTIONAL, "type": ["null", "string", "long"]}), ("note", Rule.UNION_NOT_OPTIONAL)),
        (append(**{**OPTIONAL, "type": "string"}), ("note", Rule.DEFAULT_INVALID)),
        (append(**{**OPTIONAL, "type": "long", "default": "0"}), ("note", Rule.DEFAULT_INVALID)),
        (append(**{**OPTIONAL, "type": "long", "default": True}), ("note", Rule.DEFAULT_INVALID)),
        (
            append(name="note", type=["null", "string"], doc="A note without a default."),
            ("note", Rule.UNION_NOT_OPTIONAL),
        ),
        (
            append(name="notes", type={"type": "array", "items": "string"}, default=[], doc="Some notes."),
            ("notes", Rule.LIST_UNBOUNDED),
        ),
        (
            append(name="notes", type={"type": "map", "values": "string"}, default={}, doc="At most 3 notes."),
            ("notes", Rule.LIST_UNBOUNDED),
        ),
        (append(**{**OPTIONAL, "name": "payer_email"}), ("payer_email", Rule.PERSONAL_DATA)),
        (
            append(**{**OPTIONAL, "type": ["null", {"type": "int", "logicalType": "date"}]}),
            ("note", Rule.TYPE_UNSUPPORTED),
        ),
        (lambda schema: schema["fields"].remove(field(schema, "actor")), ("actor", Rule.ENVELOPE_MISSING)),
        (
            lambda schema: schema["fields"].insert(0, schema["fields"].pop(1)),
            ("event_id", Rule.ENVELOPE_MISSING),
        ),
        (lambda schema: schema.update(name="PaymentSucceeded"), ("", Rule.FILE_MISPLACED)),
        (lambda schema: schema.update(namespace="payments"), ("", Rule.FILE_MISPLACED)),
        (lambda schema: schema.pop("fields"), ("", Rule.AVRO_INVALID)),
    ],
)
def test_a_version_that_breaks_a_rule_by_itself_is_refused(
    schemas: Schemas, edit: Callable[[dict[str, Any]], None], expected: tuple[str, Rule]
) -> None:
    schemas.add(2, edit)
    assert (V2, *expected) in broken(schemas)


def test_a_rule_is_kept_inside_nested_records_too(schemas: Schemas) -> None:
    entry = "accounting.events/TransactionCreated"

    def edit(schema: dict[str, Any]) -> None:
        field(field(schema, "entries")["type"]["items"], "side").pop("doc")

    schemas.add(3, edit, record=entry)
    assert broken(schemas) == {(f"{entry}/3.avsc", "entries.side", Rule.DOC_MISSING)}


def test_a_bounded_list_of_a_nested_record_passes(schemas: Schemas) -> None:
    schemas.add(2, append(name="tags", type={"type": "array", "items": "string"}, default=[], doc="Tags, at most 8."))
    assert broken(schemas) == set()


def test_a_record_whose_key_field_is_missing_is_refused(schemas: Schemas) -> None:
    toml = schemas.root / "topics.toml"
    toml.write_text(toml.read_text().replace('key = "payment_id"', 'key = "wallet_id"'))
    assert (V1, "wallet_id", Rule.KEY_MISSING) in broken(schemas)


def test_a_topic_that_is_not_declared_is_refused(schemas: Schemas) -> None:
    (schemas.root / "channel.events").rename(schemas.root / "acquirer.events")
    moved = "acquirer.events/ChannelStatementClosed/1.avsc"
    assert {(moved, "", Rule.FILE_MISPLACED)} <= broken(schemas)


def test_a_gap_in_the_versions_is_refused(schemas: Schemas) -> None:
    schemas.write(f"{SUCCESS}/3", schemas.read(f"{SUCCESS}/1"), lambda _schema: None)
    assert broken(schemas) == {(f"{SUCCESS}/3.avsc", "", Rule.FILE_MISPLACED)}


@pytest.mark.parametrize("text", ["", "{", "[]", '"string"', '{"type": "record", "name": "X"}'])
def test_a_file_that_is_no_record_schema_is_refused(schemas: Schemas, text: str) -> None:
    (schemas.root / V2).write_text(text)
    assert broken(schemas) == {(V2, "", Rule.AVRO_INVALID)}


@pytest.mark.parametrize("suffix", ["golden.json", "golden.bin"])
def test_a_published_version_without_its_golden_is_refused(schemas: Schemas, suffix: str) -> None:
    (schemas.root / SUCCESS / f"1.{suffix}").unlink()
    assert broken(schemas) == {(V1, "", Rule.GOLDEN_MISSING)}


def test_a_golden_whose_bytes_are_not_those_of_its_json_is_refused(schemas: Schemas) -> None:
    path = schemas.root / SUCCESS / "1.golden.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "fee_minor": 67}))
    assert broken(schemas) == {(V1, "", Rule.GOLDEN_STALE)}


def test_stale_generated_code_is_refused(schemas: Schemas, tmp_path: Path) -> None:
    found = gate.check(schemas.root, gen=tmp_path / "gen")
    assert {violation.rule for violation in found} == {Rule.GENERATED_STALE}
    assert "gen/paystream/payment/v1/events.py" in {violation.file for violation in found}


def test_what_stands_on_the_main_branch_is_published_even_without_the_lock(schemas: Schemas) -> None:
    schemas.add(2, append(**OPTIONAL))
    git(schemas.root, "init", "--quiet", "--initial-branch=main")
    git(schemas.root, "add", ".")
    git(schemas.root, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message=Add version 2")
    assert broken(schemas) == set()
    schemas.edit(f"{SUCCESS}/2", change("note", doc="Edited after it was merged."))
    assert broken(schemas) == {(V2, "", Rule.PUBLISHED_EDITED)}
    (schemas.root / V2).unlink()
    assert broken(schemas) == {(V2, "", Rule.PUBLISHED_REMOVED)}


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(directory), *arguments], check=True)  # noqa: S607 - git is on PATH where tests run.


def test_a_violation_reads_as_file_field_rule_and_message(schemas: Schemas) -> None:
    schemas.add(2, append(**{**OPTIONAL, "doc": ""}))
    assert [str(violation) for violation in gate.check(schemas.root)] == [
        "payment.events/PaymentSuccess/2.avsc: note: DOC_MISSING: the field has no doc"
    ]
