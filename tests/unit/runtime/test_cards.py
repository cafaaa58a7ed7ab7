import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from paykit.serve.validation import card_numbers
from paykit.serve.validation.card_numbers import ISSUER_RANGES
from paystream.payment.v1 import payment_pb2


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
        "1764328000005",  # Luhn-valid, as every tenth number is: a moment in milliseconds, as many orders are numbered
        "9790000000000005",  # Luhn-valid and as long as Troy's numbers, and beside them
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


def test_no_order_number_of_milliseconds_is_taken_for_a_card() -> None:
    assert not [n for n in range(1_764_328_000_000, 1_764_328_000_200) if card_numbers.holds_card_number(str(n))]


@pytest.mark.parametrize(
    "number",
    [
        *("4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222", "5105105105105100"),
        *("378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3056930009020004"),
        *("36227206271667", "3566002020360505", "6200000000000005", "6205500000000000004", "2200000000000004"),
        *("6759649826438453", "5018000000000009", "6062820524845321", "9792000000000003", "8171999927660000"),
    ],
)
def test_the_test_numbers_of_every_network_are_refused(number: str) -> None:
    assert card_numbers.holds_card_number(number)


@pytest.mark.parametrize("issuer", ISSUER_RANGES, ids=lambda issuer: f"{issuer.first}-{issuer.last}")
def test_a_number_at_either_end_of_a_range_is_a_card_and_one_too_long_is_none(
    issuer: card_numbers.IssuerRange,
) -> None:
    for prefix in (issuer.first, issuer.last):
        for length in issuer.lengths:
            assert card_numbers.holds_card_number(with_check_digit(prefix.ljust(length - 1, "0")))
    assert not card_numbers.holds_card_number(with_check_digit(issuer.first.ljust(19, "0")))


def with_check_digit(digits: str) -> str:
    doubled = [int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits))]
    return digits + str(-sum(doubled) % 10)


def test_what_a_channel_calls_a_transaction_is_never_refused() -> None:
    report = payment_pb2.ReportChannelResultRequest(attempt_id="att_1", channel_reference="4111111111111111")
    assert card_numbers.find(report) is None
    report.decline_code = "4111111111111111"
    assert card_numbers.find(report) == "decline_code"
