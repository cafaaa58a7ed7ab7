"""Every golden decodes with every other version's schema, and other teams can test their consumers on them."""

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paykit.events import classes as catalogue
from paykit.events import goldens as contract_goldens
from paykit.events import schema_files
from paykit.events.codec import Codec
from paykit.testing import goldens
from paystream.accounting.v1 import events as accounting
from paystream.payment.v1 import events as payment
from tests.contract.schemas.conftest import Schemas, field

ALL = list(contract_goldens.load_all(schema_files.schema_root()))
SUCCESS = "paystream.payment.v1.PaymentSuccess"


def pairs(found: list[contract_goldens.Golden]) -> list[tuple[contract_goldens.Golden, contract_goldens.Golden]]:
    """Pair every version with every version of its record, itself included."""
    return [(a, b) for a, b in itertools.product(found, found) if a.record == b.record]


def test_every_version_of_every_record_has_a_golden() -> None:
    versions = [(file.full_name, file.version) for file in schema_files.versions(schema_files.schema_root())]
    assert [(golden.record, golden.version) for golden in ALL] == versions


@pytest.mark.parametrize(
    ("writer", "reader"), pairs(ALL), ids=lambda golden: f"{golden.record.rpartition('.')[2]}-{golden.version}"
)
def test_every_golden_decodes_with_every_versions_schema(
    writer: contract_goldens.Golden, reader: contract_goldens.Golden
) -> None:
    value = writer.read_as(reader.schema)
    assert value.keys() == reader.value.keys()
    assert_alike(value, writer.value, reader.schema)


def assert_alike(read: Mapping[str, Any], written: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Hold what was read by a schema to what was written, in all fields that both have, nested records included."""
    kinds = {field["name"]: field["type"] for field in schema["fields"]}
    for name in read.keys() & written.keys():
        kind = kinds[name]
        if isinstance(kind, dict) and kind["type"] == "record":
            assert_alike(read[name], written[name], kind)
        elif isinstance(kind, dict) and kind["type"] == "array" and isinstance(kind["items"], dict):
            for read_item, written_item in zip(read[name], written[name], strict=True):
                assert_alike(read_item, written_item, kind["items"])
        else:
            assert read[name] == as_read(written[name], kind)


def as_read(written: Any, kind: Any) -> Any:
    """Give what the reader's schema makes of a value: a symbol that it does not know is UNKNOWN."""
    if isinstance(kind, dict) and kind["type"] == "enum" and written not in kind["symbols"]:
        return "UNKNOWN"
    return written


def test_goldens_of_a_second_version_decode_both_ways(schemas: Schemas) -> None:
    """As in the test above, on a record that has two versions."""
    optional = {"name": "note", "type": ["null", "string"], "default": None, "doc": "A note."}
    schemas.add(2, lambda schema: schema["fields"].append(optional))
    second = schema_files.load(schemas.root / "payment.events" / "PaymentSuccess" / "2.avsc")
    proposed = json.loads(contract_goldens.draft_text(second, schemas.root))
    assert proposed["note"] is None
    contract_goldens.json_path(second).write_text(json.dumps({**proposed, "note": "with oat milk"}))
    contract_goldens.write_body(second)
    old, new = [each for each in contract_goldens.load_all(schemas.root) if each.record == SUCCESS]
    assert old.read_as(new.schema) == {**old.value, "note": None}
    assert new.read_as(old.schema) == old.value
    assert new.read_as(new.schema)["note"] == "with oat milk"


def test_a_symbol_of_a_second_version_is_unknown_to_the_first(schemas: Schemas) -> None:
    schemas.add(2, lambda schema: field(schema, "method")["type"]["symbols"].append("SHELLS"))
    second = schema_files.load(schemas.root / "payment.events" / "PaymentSuccess" / "2.avsc")
    proposed = json.loads(contract_goldens.draft_text(second, schemas.root))
    contract_goldens.json_path(second).write_text(json.dumps({**proposed, "method": "SHELLS"}))
    contract_goldens.write_body(second)
    old, new = [each for each in contract_goldens.load_all(schemas.root) if each.record == SUCCESS]
    assert new.read_as(old.schema)["method"] == "UNKNOWN"


def test_the_body_of_a_golden_is_what_its_bytes_say_by_hand() -> None:
    """TransactionRejected, byte by byte: lengths and union branches are zigzag varints."""
    [golden] = goldens.goldens("accounting.events", "TransactionRejected")
    assert golden.body.startswith(b"\x48evt_")  # 36 characters
    assert golden.body.endswith(
        b"\x00"  # actor: null
        b"\x02"  # aggregate_version: 1
        b"\x1aRefundSuccess"
        b"\x48ref_0192f5d0c0de70008000000000000004"
        b"\x48pay_0192f5d0c0de70008000000000000002"
        b"\x1cACCOUNT_CLOSED"
    )


def test_who_changes_a_golden_changes_their_own() -> None:
    [golden] = goldens.goldens("accounting.events", "TransactionRejected")
    before = dict(golden.value)
    golden.value.clear()

    [again] = goldens.goldens("accounting.events", "TransactionRejected")
    assert again.value == before != {}


def test_a_golden_becomes_the_generated_event() -> None:
    golden, *_ = goldens.goldens("payment.events", "PaymentSuccess")
    event = goldens.event(golden)
    assert isinstance(event, payment.PaymentSuccess)
    assert (event.amount_minor, event.fee_minor, event.currency_code) == (1234, 66, "USD")
    assert event.method is payment.PaymentMethod.CARD
    assert event.occurred_at == datetime(2026, 11, 22, 12, 10, 1, 500_000, tzinfo=UTC)


def test_the_golden_transaction_balances_and_its_effects_add_up() -> None:
    golden, *_ = goldens.goldens("accounting.events", "TransactionCreated")
    event = goldens.event(golden)
    assert isinstance(event, accounting.TransactionCreated)
    debits = [entry.amount_minor for entry in event.entries if entry.side is accounting.Side.DEBIT]
    credits_ = [entry.amount_minor for entry in event.entries if entry.side is accounting.Side.CREDIT]
    assert (sum(debits), sum(credits_)) == (1300, 1300)
    settlement = [entry for entry in event.entries if entry.account_kind == "merchant.settlement"]
    assert sum(entry.effect * entry.amount_minor for entry in settlement) == 1168


@pytest.mark.parametrize("golden", ALL, ids=lambda golden: golden.record)
async def test_the_codec_writes_the_bytes_of_every_golden(golden: contract_goldens.Golden, tmp_path: Path) -> None:
    known = goldens.registry()
    codec = Codec(registry=known.fake.client(), cache_dir=tmp_path)
    cls = catalogue.event_class(golden.record)
    assert cls is not None
    await codec.prepare([cls])
    event, message = goldens.event(golden), known.message(golden)
    await codec.learn(codec.peek(message))
    assert codec.decode(message) == event
    if golden.version == cls.VERSION:
        assert codec.encode(event, stamps={}) == message


def test_a_consumer_that_reads_everything_passes() -> None:
    seen: list[str] = []
    assert goldens.assert_consumes(lambda golden: seen.append(golden.record), "payment.events") == len(seen)
    assert SUCCESS in seen


def test_a_consumer_that_cannot_read_one_event_is_told_which() -> None:
    def consume(golden: contract_goldens.Golden) -> None:
        if golden.record == SUCCESS:
            raise KeyError("tip_minor")

    with pytest.raises(AssertionError, match=r"PaymentSuccess version 1: KeyError: 'tip_minor'"):
        goldens.assert_consumes(consume, "payment.events")


def test_a_misspelt_topic_or_record_does_not_pass_as_no_goldens() -> None:
    with pytest.raises(LookupError):
        goldens.goldens("payments.events")
    with pytest.raises(LookupError):
        goldens.assert_consumes(lambda _golden: None, "payment.events", "PaymentSucess")


@pytest.mark.parametrize(("name", "value"), [("fee_minor", None), ("method", "CHEQUE"), ("occurred_at", "noon")])
def test_a_golden_that_does_not_fit_its_schema_is_refused(schemas: Schemas, name: str, value: object) -> None:
    file = schema_files.load(schemas.root / "payment.events" / "PaymentSuccess" / "1.avsc")
    path = contract_goldens.json_path(file)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(ValueError, match=r"1\.golden\.json"):
        contract_goldens.encode(file)


def test_a_golden_that_leaves_out_a_field_is_refused(schemas: Schemas) -> None:
    file = schema_files.load(schemas.root / "payment.events" / "PaymentSuccess" / "1.avsc")
    path = contract_goldens.json_path(file)
    value = json.loads(path.read_text())
    del value["fee_minor"]
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match=r"fee_minor"):
        contract_goldens.encode(file)
