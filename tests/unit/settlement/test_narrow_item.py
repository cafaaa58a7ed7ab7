"""Which items have a form, and the rows of those that have."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.settlement.domain.item import KINDS, ItemKind, SettlementItem
from services.settlement.domain.item_form import FORMS, digits_of, narrow
from services.settlement.store.narrow_item import narrow_rows, settlement_digits
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
    """As COPY takes it: how many columns, and each with its length; times count from the year 2000."""
    item = narrow(PAYMENT)
    assert item is not None
    assert datetime(2026, 3, 1, 12, tzinfo=UTC) == NOON
    since_2000_us = 825_681_600_000_000  # 26 years of 365 days, 7 leap days, 59 days and 12 hours.
    [row] = narrow_rows([item], settlement_digits(stl(7)))
    assert row.hex() == "".join(
        [
            "0008",
            *("00000010", DIGITS, "00000010", "0" * 31 + "7", "00000010", "1" * 32, "00000010", "2" * 32),
            *("00000008", f"{since_2000_us:016x}", "00000008", "00000000000003e8", "00000008", "ffffffffffffffe2"),
            *("00000002", "0001"),
        ]
    )


def test_an_item_comes_back_with_the_letters_of_its_ids() -> None:
    item = narrow(PAYMENT)
    assert item is not None
    assert (item.whole, item.effective_at) == (PAYMENT, NOON)


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
    assert narrow(PAYMENT._replace(**fields)) is None


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
