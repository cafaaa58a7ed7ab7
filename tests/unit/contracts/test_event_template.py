"""Templates of events against the encoder of whole events."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import avro_binary, compiler
from paykit.events import classes as catalogue
from paykit.events import goldens as contract_goldens
from paykit.events.compiler import NotCompilableError
from paykit.events.event_template import EventTemplate
from paystream.accounting.v1.events import TransactionCreated
from tests.unit.contracts.test_compiler import FILES, NAMES, values

SCHEMA = catalogue.own_files()[TransactionCreated.RECORD].schema
EXAMPLE = TransactionCreated.from_record(contract_goldens.load(FILES[NAMES.index("TransactionCreated")]).value)
ENCODE: dict[str, Callable[[Any], bytes]] = {"string": avro_binary.encode_string, "long": avro_binary.encode_long}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_filled_template_is_the_event_with_other_values_in_its_gaps(file: Any, data: st.DataObject) -> None:
    cls: Any = catalogue.event_class(file.full_name)
    example, event = (cls.from_record(data.draw(values(file.schema, {}))) for _ in range(2))
    fields = [field["name"] for field in file.schema["fields"] if field["type"] in ("string", "long")]
    gaps = [name for name in fields if data.draw(st.booleans())]
    kinds = {field["name"]: field["type"] for field in file.schema["fields"]}
    filled = EventTemplate(file.schema, example, gaps).fill([ENCODE[kinds[gap]](getattr(event, gap)) for gap in gaps])
    expected = replace(example, **{gap: getattr(event, gap) for gap in gaps})
    assert filled == compiler.encoder(file.schema)(expected, {})


@given(record=values(SCHEMA, {}), amounts=st.lists(st.integers(0, 2**53), min_size=4, max_size=4))
def test_gaps_stand_in_the_records_of_an_array_too(record: dict[str, Any], amounts: list[int]) -> None:
    example = TransactionCreated.from_record(record)
    gaps = [f"entries.{at}.amount_minor" for at in range(len(example.entries))]
    template = EventTemplate(SCHEMA, example, gaps)
    entries = [replace(entry, amount_minor=amount) for entry, amount in zip(example.entries, amounts, strict=False)]
    expected = compiler.encoder(SCHEMA)(replace(example, entries=tuple(entries)), {})
    assert template.fill([avro_binary.encode_long(entry.amount_minor) for entry in entries]) == expected
    # And filled again, it holds nothing of the first time.
    again = template.fill([avro_binary.encode_long(entry.amount_minor) for entry in example.entries])
    assert again == compiler.encoder(SCHEMA)(example, {})


@pytest.mark.parametrize("gaps", [["nothing"], ["currency_code", "amount_minor"], ["entries.32.amount_minor"]])
def test_gaps_that_an_event_does_not_have_or_in_another_order_are_refused(gaps: list[str]) -> None:
    with pytest.raises(NotCompilableError):
        EventTemplate(SCHEMA, EXAMPLE, gaps)


def test_another_number_of_values_than_of_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="attempt to assign"):
        EventTemplate(SCHEMA, EXAMPLE, ["event_id"]).fill([b"a", b"b"])
