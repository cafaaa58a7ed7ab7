from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.base.errors import CardNumberRefused
from paykit.serve.validation.validator import FieldViolation, RequestInvalid, validate_message
from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import payment_pb2 as pb


def _request(**changes: Any) -> pb.CreatePaymentRequest:
    fields: dict[str, Any] = {
        "request_id": "0193a4e2-7b1c-7def-8abc-0123456789ab",
        "merchant_id": "mer_" + "0a" * 16,
        "merchant_reference": "order 42",
        "amount": money_pb2.Money(amount_minor=1234, currency_code="USD"),
        "payment_method": pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_CARD, token="tok_1"),
    }
    return pb.CreatePaymentRequest(**(fields | changes))


def test_a_good_request_passes() -> None:
    assert validate_message(_request()) is None


def test_an_items_fields_are_named_from_the_request() -> None:
    refusal = validate_message(_request(amount=money_pb2.Money(amount_minor=0, currency_code="USD")), "requests[3]")
    assert refusal == RequestInvalid(
        (
            FieldViolation(
                field="requests[3].amount.amount_minor",
                rule="int64.gte_lte",
                description="must be greater than or equal to 1 and less than or equal to 9007199254740991",
            ),
        )
    )
    assert refusal is not None
    assert refusal.field == "requests[3].amount.amount_minor"


def test_at_most_eight_violations_are_named() -> None:
    refusal = validate_message(_request(metadata={f"key{i}": "x" * 501 for i in range(20)}))
    assert isinstance(refusal, RequestInvalid)
    assert len(refusal.violations) == 8
    assert all(violation.field.startswith('metadata["key') for violation in refusal.violations)


def test_a_card_number_in_an_item_is_named_from_the_request() -> None:
    refusal = validate_message(_request(metadata={"note": "4111111111111111"}), "requests[3]")
    wanted = CardNumberRefused("card numbers are never accepted here", field='requests[3].metadata["note"]')
    assert refusal == wanted


def test_ids_and_references_are_not_taken_for_cards() -> None:
    digits = _request(merchant_id="mer_" + "4" * 32, merchant_reference="2026-11-22/42")
    assert validate_message(digits) is None


def test_the_items_of_a_batch_are_left_to_the_servicer() -> None:
    batch = pb.BatchCreatePaymentsRequest(requests=[pb.CreatePaymentRequest(), _request(order_id="4111111111111111")])
    assert validate_message(batch) is None


def test_a_text_with_nul_is_refused_wherever_it_stands() -> None:
    listed = validate_message(pb.ListPaymentsRequest(merchant_id="mer_" + "0a" * 16, merchant_reference="a\x00b"))
    assert listed == RequestInvalid(
        (
            FieldViolation(
                field="merchant_reference", rule="string.no_nul", description="must not hold the character NUL"
            ),
        )
    )


@pytest.mark.parametrize(
    ("seconds", "nanos", "valid"),
    [
        (-62_135_596_800, 0, True),
        (253_402_300_799, 999_999_999, True),
        (-62_135_596_801, 0, False),
        (253_402_300_800, 0, False),
        (0, -1, False),
        (0, 1_000_000_000, False),
    ],
)
def test_a_time_beyond_the_calendar_is_refused_by_its_path(*, seconds: int, nanos: int, valid: bool) -> None:
    request = accounting_pb2.GetTrialBalanceRequest(
        currency_code="USD", as_of_time=Timestamp(seconds=seconds, nanos=nanos)
    )
    refusal = validate_message(request)
    assert (refusal is None) == valid
    assert valid or (refusal is not None and (refusal.field, refusal.reason) == ("as_of_time", "FIELD_INVALID"))
