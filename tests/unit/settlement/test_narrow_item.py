"""Which items have a form, and the rows of those that have."""

from typing import Any

import pytest

from services.settlement.domain.item import KINDS, ItemKind, SettlementItem
from services.settlement.store.narrow_item import FORMS, digits_of, narrow_row
from tests.unit.settlement.builders import ALICE, NOON, stl

DIGITS = "0123456789abcdef" * 2
PAYMENT = SettlementItem(
    f"txn_{DIGITS}",
    ALICE,
    "USD",
    ItemKind.PAYMENT,
    "PaymentSuccess",
    "cap_" + "1" * 32,
    "pay_" + "2" * 32,
    NOON,
    1_000,
    -30,
)


def test_the_row_of_an_item_has_the_digits_of_its_ids() -> None:
    row = narrow_row(PAYMENT, stl(7))
    assert row == (DIGITS, "0" * 31 + "7", "1" * 32, "2" * 32, NOON, 1_000, -30, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"transaction_type": "Goodwill", "kind": ItemKind.ADJUSTMENT},
        {"transaction_id": "txn_" + "A" * 32},
        {"transaction_id": "txn_" + "a" * 31},
        {"transaction_id": "txn_" + "a" * 33},
        {"transaction_id": "tyn_" + "a" * 32},
        {"transaction_id": ""},
        {"related_no": "ticket-1"},
        {"related_no": "cap_" + "1" * 31, "root_reference": "pay_" + "2" * 33},
        {"related_no": "cap_" + "1" * 30 + " 1"},
        {"related_no": "ref_" + "1" * 32},
        {"root_reference": "pay_" + "g" * 32},
        {"root_reference": "pay_" + "\uff11" * 32},
        {"root_reference": "pay_{" + "2" * 32 + "}"},
    ],
)
def test_an_item_with_another_id_has_no_form(fields: dict[str, Any]) -> None:
    assert narrow_row(PAYMENT._replace(**fields), stl(7)) is None


@pytest.mark.parametrize(
    ("transaction_id", "digits"), [(f"txn_{DIGITS}", DIGITS), ("txn_1", None), ("cap_" + DIGITS, None), ("", None)]
)
def test_the_digits_of_a_transaction_are_those_of_its_id(transaction_id: str, digits: str | None) -> None:
    assert digits_of(transaction_id) == digits


def test_a_form_is_of_the_kind_that_its_transactions_are_of() -> None:
    assert {form.transaction_type: form.kind for form in FORMS.values()} == dict(KINDS)


def test_no_two_forms_are_of_the_same_ids_and_none_is_ever_changed() -> None:
    assert len({form[1:] for form in FORMS.values()}) == len(FORMS)
    assert [(number, form.transaction_type, form.related, form.root) for number, form in FORMS.items()] == [
        (1, "PaymentSuccess", "cap_", "pay_"),
        (2, "PaymentReversed", "cap_", "pay_"),
        (3, "RefundSuccess", "ref_", "pay_"),
        (4, "RefundReturned", "ref_", "pay_"),
        (5, "DisputeOpened", "dsp_", "pay_"),
        (6, "DisputeWon", "dsp_", "pay_"),
        (7, "DisputeLost", "dsp_", "pay_"),
        (8, "DisputeOverturned", "ovt_", "pay_"),
        (9, "ReserveReleased", "rsr_", "stl_"),
        (10, "ReserveConsumed", "rsc_", "stl_"),
        (11, "BalanceRecovered", "rec_", "rec_"),
    ]
