"""Ids tell their kind, sort by their time, and follow from names where they must."""

import time
import uuid

import pytest

from paykit.ids import NAMESPACE, is_id, named_id, new_id


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
