"""Amounts are integers of a currency's minor unit; only their writing knows decimals."""

import pytest

from paykit.errors import CurrencyUnknown
from paykit.money import AMOUNT_MINOR_MAX, EXPONENTS, Money, format_money, require_currency


@pytest.mark.parametrize(("code", "exponent"), [("JPY", 0), ("USD", 2), ("EUR", 2), ("BHD", 3), ("CLF", 4)])
def test_exponents_are_those_of_the_iso_list(code: str, exponent: int) -> None:
    assert EXPONENTS[code] == exponent


@pytest.mark.parametrize("code", ["XAU", "XXX", "usd", "US", "", "ABC"])
def test_a_code_that_is_no_currency_in_use_is_refused_by_its_field(code: str) -> None:
    with pytest.raises(CurrencyUnknown) as caught:
        require_currency(code, field="amount.currency_code")
    assert (caught.value.field, caught.value.metadata) == ("amount.currency_code", {"currency_code": code})


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
    ],
)
def test_an_amount_is_written_with_its_currency_s_decimals(amount_minor: int, code: str, text: str) -> None:
    assert format_money(Money(amount_minor, code)) == text
