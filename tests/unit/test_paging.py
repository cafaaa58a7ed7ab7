"""A page token leads to the next page of its own list, and of no other."""

import base64
import json
from datetime import UTC, datetime

import pytest

from paykit.errors import FieldInvalid, PageTokenInvalid
from paykit.paging import (
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    decode_page_token,
    decode_time_token,
    encode_page_token,
    encode_time_token,
    page_size,
)

SCOPE = ("ListPayments", "mer_1", None)
KINDS = (str, int)


@pytest.mark.parametrize(
    ("requested", "given"), [(0, PAGE_SIZE_DEFAULT), (1, 1), (1000, 1000), (1001, PAGE_SIZE_MAX), (2**31 - 1, 1000)]
)
def test_a_page_is_as_large_as_asked_within_its_bounds(requested: int, given: int) -> None:
    assert page_size(requested) == given


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(FieldInvalid) as caught:
        page_size(-1)
    assert caught.value.field == "page_size"


def test_a_token_gives_its_values_back() -> None:
    token = encode_page_token(["2026-03-01T12:00:00+00:00", 7], SCOPE)
    assert decode_page_token(token, SCOPE, kinds=KINDS) == ["2026-03-01T12:00:00+00:00", 7]


def test_no_token_is_the_first_page() -> None:
    assert decode_page_token("", SCOPE, kinds=KINDS) is None


def test_a_token_of_another_list_or_filter_is_refused() -> None:
    token = encode_page_token(["x", 1], SCOPE)
    with pytest.raises(PageTokenInvalid, match="another list"):
        decode_page_token(token, ("ListPayments", "mer_2", None), kinds=KINDS)


def forged(body: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


def digest() -> object:
    token = encode_page_token([], SCOPE)
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))[0]


@pytest.mark.parametrize(
    "token",
    [
        "!",
        "AAAA",
        "=",
        "é",
        forged({}),
        forged([]),
        forged(7),
        forged("text"),
        forged([digest(), 1, "x"]),
        forged([digest(), "x"]),
        forged([digest(), "x", True]),
        forged([digest(), "x", 1, 1]),
        forged([digest(), "x", None]),
        forged([digest(), "x\0", 1]),
        forged([digest(), "\ud800", 1]),
        forged([digest(), "\udfff\ud800", 1]),
        forged([digest(), "x", 1 << 63]),
        forged([digest(), "x", -(1 << 63) - 1]),
        "[" * 4000,
    ],
)
def test_a_forged_token_is_refused_and_never_a_defect(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        decode_page_token(token, SCOPE, kinds=KINDS)


def test_the_utmost_that_rows_hold_can_stand_in_a_token() -> None:
    utmost: list[list[str | int]] = [["\U0010ffff\ud7ff\ue000\1", (1 << 63) - 1], ["", -(1 << 63)]]
    for values in utmost:
        assert decode_page_token(encode_page_token(values, SCOPE), SCOPE, kinds=KINDS) == values


def test_a_deeply_nested_token_is_refused() -> None:
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(PageTokenInvalid):
        decode_page_token(token, SCOPE, kinds=KINDS)


def test_a_time_token_gives_back_its_key_to_the_microsecond() -> None:
    key = (datetime(2026, 3, 1, 12, 0, 0, 123_457, tzinfo=UTC), "pay_1")
    assert decode_time_token(encode_time_token(key, SCOPE), SCOPE) == key


def test_the_first_page_starts_after_no_time() -> None:
    assert decode_time_token("", SCOPE) is None


def test_a_time_token_beyond_the_calendar_is_malformed() -> None:
    token = encode_page_token([10**20, "pay_1"], SCOPE)
    with pytest.raises(PageTokenInvalid, match="malformed"):
        decode_time_token(token, SCOPE)
