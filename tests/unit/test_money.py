"""Amounts are integers of a currency's minor unit; only their writing knows decimals."""

from datetime import UTC, date, datetime, timedelta, timezone

import iso4217
import pytest

from paykit.currency_table import CurrencyRow
from paykit.errors import CurrencyClosed, CurrencyUnknown
from paykit.money import (
    AMOUNT_MINOR_MAX,
    EXPONENTS,
    Money,
    close_currencies,
    format_money,
    open_for_business,
    require_currency,
    require_known_currency,
)
from scripts.gen_currencies import merge


@pytest.mark.parametrize(("code", "exponent"), [("JPY", 0), ("USD", 2), ("EUR", 2), ("BHD", 3), ("CLF", 4)])
def test_exponents_are_those_of_the_iso_list(code: str, exponent: int) -> None:
    assert EXPONENTS[code] == exponent


@pytest.mark.parametrize("code", ["XAU", "XXX", "usd", "US", "", "ABC"])
def test_a_code_that_is_no_currency_in_use_is_refused_by_its_field(code: str) -> None:
    with pytest.raises(CurrencyUnknown) as caught:
        require_known_currency(code, field="amount.currency_code")
    assert (caught.value.field, caught.value.metadata) == ("amount.currency_code", {"currency_code": code})


def test_the_table_knows_what_the_list_of_the_package_knows() -> None:
    listed = {each.code: each.exponent for each in iso4217.Currency if each.exponent is not None}
    assert {code: EXPONENTS.get(code) for code in listed} == listed


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "open_at", "closed_at"),
    [
        # Bulgaria pays in euro from 2026 on.
        ("BGN", "2025-12-31T23:59:59.999999", "2026-01-01"),
        # What is new opens on its day.
        ("XCG", "2025-03-31", "2025-03-30T23:59:59.999999"),
    ],
)
def test_a_currency_is_open_for_new_business_between_its_days_and_known_for_ever(
    code: str, open_at: str, closed_at: str
) -> None:
    require_known_currency(code)
    require_currency(code, at=day(open_at))
    with pytest.raises(CurrencyClosed) as caught:
        require_currency(code, at=day(closed_at), field="amount.currency_code")
    assert (caught.value.field, caught.value.metadata) == ("amount.currency_code", {"currency_code": code})


def test_days_are_those_of_utc() -> None:
    midnight_in_sofia = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert open_for_business("BGN", midnight_in_sofia)


def test_an_installation_closes_a_currency_earlier_and_never_opens_one() -> None:
    close_currencies({"PLN": date(2027, 1, 1), "BGN": date(2030, 1, 1)})
    try:
        days = ("2026-12-31", "2027-01-01")
        assert [open_for_business("PLN", day(each)) for each in days] == [True, False]
        assert not open_for_business("BGN", day("2026-06-01"))
    finally:
        close_currencies({})
    assert open_for_business("PLN", day("2027-01-01"))


def test_a_code_that_leaves_the_list_keeps_its_row_and_a_new_one_opens() -> None:
    rows = [CurrencyRow("AAA", 2), CurrencyRow("PLN", 2), CurrencyRow("OLD", 0, None, date(2020, 1, 1))]
    merged = list(merge(rows, {"AAA": 2, "NEW": 3}, date(2027, 4, 1)))
    assert merged == [
        CurrencyRow("AAA", 2),
        CurrencyRow("NEW", 3, date(2027, 4, 1)),
        CurrencyRow("OLD", 0, None, date(2020, 1, 1)),
        CurrencyRow("PLN", 2, None, date(2027, 4, 1)),
    ]
    with pytest.raises(ValueError, match="AAA has 3 decimals now, and books with 2"):
        list(merge(rows, {"AAA": 3}, date(2027, 4, 1)))


@pytest.mark.parametrize(
    ("amount_minor", "code", "text"),
    [
        (1234, "BHD", "1.234 BHD"),
        (1234, "USD", "12.34 USD"),
        (1234, "JPY", "1234 JPY"),
        (5, "USD", "0.05 USD"),
        (0, "USD", "0.00 USD"),
        (0, "JPY", "0 JPY"),
        (-5, "USD", "-0.05 USD"),
        (AMOUNT_MINOR_MAX, "USD", "90071992547409.91 USD"),
        (-5, "QQQ", "-5 minor units of QQQ"),
    ],
)
def test_an_amount_is_written_with_its_currency_s_decimals(amount_minor: int, code: str, text: str) -> None:
    assert format_money(Money(amount_minor, code)) == text
