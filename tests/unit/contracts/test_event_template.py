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
from paykit.events.event_template import EventTemplate, Gap
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
    example, *events = (cls.from_record(data.draw(values(file.schema, {}))) for _ in range(3))
    kinds = {field["name"]: field["type"] for field in file.schema["fields"] if field["type"] in ("string", "long")}
    gaps = [name for name in kinds if name == "event_id" or data.draw(st.booleans())]
    begins = {gap: data.draw(st.integers(0, 1)) for gap in gaps}
    columns = {gap: [ENCODE[kinds[gap]](getattr(event, gap)) for event in events] for gap in gaps}
    # What the values of a gap have in common may be given once.
    alike = {gap for gap, column in columns.items() if begins[gap] and column[0][:1] == column[1][:1]}
    wanted = [Gap(gap, columns[gap][0][:1]) if gap in alike else gap for gap in gaps]
    given = [[value[1:] if gap in alike else value for value in column] for gap, column in columns.items()]
    expected = [replace(example, **{gap: getattr(event, gap) for gap in gaps}) for event in events]
    filled = EventTemplate(file.schema, example, wanted).fill_all(given)
    assert filled == [compiler.encoder(file.schema)(each, {}) for each in expected]


@given(record=values(SCHEMA, {}), amounts=st.lists(st.integers(0, 2**53), min_size=4, max_size=4))
def test_gaps_stand_in_the_records_of_an_array_too(record: dict[str, Any], amounts: list[int]) -> None:
    example = TransactionCreated.from_record(record)
    gaps = ["event_id", *(f"entries.{at}.amount_minor" for at in range(len(example.entries)))]
    template = EventTemplate(SCHEMA, example, gaps)
    entries = [replace(entry, amount_minor=amount) for entry, amount in zip(example.entries, amounts, strict=False)]
    expected = compiler.encoder(SCHEMA)(replace(example, entries=tuple(entries)), {})
    event_id = avro_binary.encode_string(example.event_id)
    first = [event_id, *(avro_binary.encode_long(entry.amount_minor) for entry in entries)]
    assert template.fill_all([[each] for each in first]) == [expected]
    # And filled again, it holds nothing of the first time.
    again = [event_id, *(avro_binary.encode_long(entry.amount_minor) for entry in example.entries)]
    assert template.fill_all([[each] for each in again]) == [compiler.encoder(SCHEMA)(example, {})]


@pytest.mark.parametrize("gaps", [[], ["nothing"], ["currency_code", "amount_minor"], ["entries.32.amount_minor"]])
def test_gaps_that_an_event_does_not_have_or_in_another_order_are_refused(gaps: list[str]) -> None:
    with pytest.raises(NotCompilableError):
        EventTemplate(SCHEMA, EXAMPLE, gaps)


def test_another_number_of_columns_than_of_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="attempt to assign"):
        EventTemplate(SCHEMA, EXAMPLE, ["event_id"]).fill_all([[b"a"], [b"b"]])
