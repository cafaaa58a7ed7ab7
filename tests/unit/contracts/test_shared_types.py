"""Types that several records repeat: which definitions differ, and which only look otherwise."""

from pathlib import Path
from typing import Any

from paykit.events.schema_files import SchemaFile
from paykit.events.violation import Rule, Violation
from paytools.contracts import shared_types

SIDE = {"type": "enum", "name": "Side", "symbols": ["UNKNOWN", "DEBIT"], "default": "UNKNOWN", "doc": "A side."}
WIDER = {**SIDE, "symbols": ["UNKNOWN", "DEBIT", "CREDIT"]}


def leg(side: Any) -> dict[str, Any]:
    fields = [{"name": "side", "type": side, "doc": "Which."}]
    return {"type": "record", "name": "Leg", "fields": fields, "doc": "A leg."}


def file(record: str, **fields: Any) -> SchemaFile:
    schema = {
        "type": "record",
        "name": record,
        "namespace": "paystream.bank.v1",
        "fields": [{"name": name, "type": kind, "doc": "What."} for name, kind in fields.items()],
        "doc": "A record.",
    }
    path = Path("bank.events", record, "1.avsc")
    return SchemaFile(topic="bank.events", record=record, version=1, path=path, schema=schema)


def places(*files: SchemaFile) -> list[tuple[str, str]]:
    return [(violation.file, violation.field) for violation in shared_types.check(files)]


def test_the_same_definition_in_several_records_passes() -> None:
    assert places(file("A", side=SIDE), file("B", side=["null", SIDE]), file("C", legs=leg(SIDE))) == []


def test_the_definition_that_fewer_records_have_is_refused() -> None:
    files = [file("A", side=WIDER), *(file(record, other=SIDE) for record in "BCDEF")]
    assert list(shared_types.check(files)) == [
        Violation(
            file="bank.events/A/1.avsc",
            field="side",
            rule=Rule.SHARED_TYPE_DIFFERS,
            message="paystream.bank.v1.Side is defined otherwise in bank.events/B/1.avsc, bank.events/C/1.avsc, "
            "bank.events/D/1.avsc and 2 more; give each the same in a next version",
        )
    ]


def test_every_property_of_a_definition_counts_and_the_order_of_its_keys_does_not() -> None:
    assert places(file("A", side=SIDE), file("B", side=dict(reversed(SIDE.items())))) == []
    for other in ({"doc": "Another."}, {"symbols": ["DEBIT", "UNKNOWN"]}, {"default": "DEBIT"}, {"aliases": ["Part"]}):
        assert places(file("A", side=SIDE), file("B", side={**SIDE, **other})) == [("bank.events/B/1.avsc", "side")]


def test_only_the_innermost_of_the_types_that_differ_is_named() -> None:
    legs = {"type": "array", "items": leg(WIDER)}
    assert places(file("A", leg=leg(SIDE)), file("B", legs=legs)) == [("bank.events/B/1.avsc", "legs.side")]


def test_where_a_file_first_uses_a_type_makes_no_difference() -> None:
    for reference in ("Side", "paystream.bank.v1.Side"):
        assert places(file("A", leg=leg(SIDE)), file("B", side=SIDE, leg=leg(reference))) == []


def test_a_type_of_another_namespace_is_another_type() -> None:
    assert places(file("A", side=SIDE), file("B", side={**WIDER, "namespace": "paystream.shop.v1"})) == []


def test_a_record_is_a_named_type_as_well() -> None:
    assert places(file("A", side=SIDE), file("B", inner=leg(SIDE)), file("Leg", side=SIDE)) == [
        ("bank.events/Leg/1.avsc", "")
    ]
