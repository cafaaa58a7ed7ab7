import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from paykit.serve.validation import card_numbers


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "3782 822463 10005",
        "4222222222222",
        "6304000000000000000",
        "card:4111111111111111",
        "tok_4111111111111111",
        "pay 4111 1111 1111 1111 12/27 please",
        "4111 1111 1111 1111 12",
    ],
)
def test_a_card_number_is_found(text: str) -> None:
    assert card_numbers.holds_card_number(text)
    assert card_numbers.suspect(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "411111111111",
        "41111111111111111111",
        "4111/1111/1111/1111",
        "4111  1111  1111  1111",
        "order-2026-11-22",
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000-0000-0000-0000-000000000000",
        "pay_01934f0e4f7a7000800000000000000a",
        "00-4111111111111111aaaaaaaaaaaaaaaa-4111111111111112-01",
        "",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert not card_numbers.holds_card_number(text)


@given(st.uuids())
def test_no_uuid_is_taken_for_a_card(value: object) -> None:
    assert not card_numbers.holds_card_number(str(value))
    assert not card_numbers.holds_card_number(f"pay_{str(value).replace('-', '')}")


@given(st.text(alphabet="0123456789 -ax", max_size=60))
def test_the_scan_of_the_bytes_misses_nothing_that_the_text_holds(text: str) -> None:
    assert card_numbers.suspect(text.encode()) or not card_numbers.holds_card_number(text)


def test_the_field_is_named_by_its_path() -> None:
    message = Struct()
    message.update({"a": {"b": ["fine", "4111111111111111"]}})
    assert card_numbers.find(message) == 'fields["a"].struct_value.fields["b"].list_value.values[1].string_value'


def test_a_key_that_is_a_card_number_is_not_repeated() -> None:
    message = Struct()
    message.update({"4111111111111111": "x"})
    assert card_numbers.find(message) == "fields"
