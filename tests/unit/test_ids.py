"""Ids tell their kind, sort by their time, and follow from names where they must."""

import time
import uuid
from typing import Any

import pytest

from paykit.ids import NAMESPACE, SLOTS, is_id, named_id, new_id, slot_of
from services.accounting.domain import transaction_key


def test_a_new_id_is_a_uuid_of_version_7_behind_its_prefix() -> None:
    prefix, _, digits = new_id("pay").partition("_")
    parsed = uuid.UUID(digits)
    assert (prefix, len(digits), parsed.version, parsed.variant) == ("pay", 32, 7, uuid.RFC_4122)


def test_new_ids_sort_after_those_of_earlier_milliseconds() -> None:
    earlier = new_id("pay")
    time.sleep(0.002)
    assert earlier < new_id("pay")


def test_new_ids_differ() -> None:
    assert len({new_id("pay") for _ in range(10_000)}) == 10_000


def test_a_named_id_is_the_uuid_of_version_5_of_its_names() -> None:
    expected = uuid.uuid5(uuid.UUID(bytes=NAMESPACE), "PaymentSuccess\x1fcap_1")
    assert named_id("txn", "PaymentSuccess", "cap_1") == f"txn_{expected.hex}"


def test_named_ids_never_change_because_ledgers_hang_on_them() -> None:
    assert named_id("txn", "PaymentSuccess", "cap_1") == "txn_390be7dc47f7549593606a89592ac427"


def test_names_are_told_apart_by_where_they_end() -> None:
    assert named_id("txn", "ab", "c") != named_id("txn", "a", "bc")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pay_" + "0" * 32, True),
        ("pay_" + "0123456789abcdef" * 2, True),
        ("pay_" + "0" * 31, False),
        ("pay_" + "0" * 33, False),
        ("pay_" + "A" * 32, False),
        ("ref_" + "0" * 32, False),
        ("pay_" + "0" * 32 + "\n", False),
        ("", False),
    ],
)
def test_an_id_is_known_by_its_prefix_and_32_digits(text: str, *, wanted: bool) -> None:
    assert is_id("pay", text) is wanted


def test_what_is_of_a_merchant_has_the_merchants_slot_and_sorts_by_its_time_all_the_same() -> None:
    merchant_id = new_id("mer")
    payment_id = new_id("pay", of=merchant_id)
    time.sleep(0.002)
    refund_id = new_id("ref", of=payment_id)
    assert slot_of(merchant_id) == slot_of(payment_id) == slot_of(refund_id)
    assert uuid.UUID(payment_id[4:]).version == 7
    assert uuid.UUID(payment_id[4:]).variant == uuid.RFC_4122
    assert merchant_id[4:16] <= payment_id[4:16] < refund_id[4:16]  # Milliseconds: the slot stands behind them.


def test_a_slot_is_the_twelve_bits_behind_the_version() -> None:
    assert slot_of("pay_0192f5d0c0de7abc800000000000000a") == 0xABC
    assert new_id("att", of="pay_0192f5d0c0de7abc800000000000000a")[16:20] == "7abc"


@pytest.mark.parametrize("known", transaction_key.TRANSACTION_TYPES, ids=lambda known: known.transaction_type)
def test_a_transaction_of_the_ledger_has_the_slot_of_what_moved_the_money(known: Any) -> None:
    related_no = new_id(known.related_prefix, of="pay_0192f5d0c0de7abc800000000000000a")
    transaction_id = transaction_key.transaction_id(known.transaction_type, related_no)
    assert slot_of(transaction_id) == slot_of(related_no) == 0xABC
    assert transaction_key.pair_of(transaction_id) == (known.transaction_type, related_no)


def test_slots_of_new_merchants_are_spread_over_all_there_are() -> None:
    slots = [slot_of(new_id("mer")) for _ in range(40_960)]
    assert len(set(slots)) > SLOTS * 0.99  # Ten draws for each: one is missed once in e^10 times.
    assert {slot is not None and 0 <= slot < SLOTS for slot in slots} == {True}


def test_ids_of_one_slot_differ() -> None:
    merchant_id = new_id("mer")
    assert len({new_id("pay", of=merchant_id) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("text", ["", "mer_none", "pay_" + "x" * 32, named_id("acc", "mer_1", "merchant.settlement")])
def test_a_text_without_a_slot_gives_a_random_one(text: str) -> None:
    assert slot_of(text) is None
    assert len({slot_of(new_id("pay", of=text)) for _ in range(100)}) > 50
