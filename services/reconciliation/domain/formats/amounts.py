"""Amounts of money as people write them, exactly, in minor units."""

import re
from collections.abc import Callable
from functools import cache

from paykit.money import AMOUNT_MINOR_MAX, EXPONENTS
from services.reconciliation.domain.formats.refusals import CellInvalid

_DIGITS_MAX = 16
"""Digits of 2^53-1: longer ones are refused before they become a number."""

ParseAmount = Callable[[str], int]


@cache
def amount_parser(currency_code: str, *, decimal_mark: str = ".", thousands_mark: str = "") -> ParseAmount:
    """Return what makes minor units of a currency from a decimal number.

    Nothing but digits, one sign in front, the decimal mark and thousands marks between groups of three is a number: no
    exponent (`1E+05`), no apostrophe, no space, no currency sign. More decimals than the currency has are refused even
    where they are zeros, for `12.500` may well be twelve thousand.

    Raises:
        CellInvalid: The currency is unknown; from the function, the text is no such number.
    """
    exponent = exponent_of(currency_code)
    groups = rf"|\d{{1,3}}(?:{re.escape(thousands_mark)}\d{{3}})+" if thousands_mark else ""
    number = re.compile(rf"([+-]?)(\d+{groups})(?:{re.escape(decimal_mark)}(\d+))?", re.ASCII)

    def parse(text: str) -> int:
        match = number.fullmatch(text)
        if match is None:
            raise CellInvalid("is no amount in the decimal and thousands marks of the mapping", text)
        sign, whole, decimals = match[1], match[2], match[3] or ""
        if len(decimals) > exponent:
            raise CellInvalid(f"has more decimals than the {exponent} of {currency_code}", text)
        if thousands_mark:
            whole = whole.replace(thousands_mark, "")
        return _bounded(sign, whole + decimals.ljust(exponent, "0"), text)

    return parse


def exponent_of(currency_code: str) -> int:
    """Return the decimals of a currency.

    Raises:
        CellInvalid: It is unknown.
    """
    exponent = EXPONENTS.get(currency_code)
    if exponent is None:
        raise CellInvalid("is not an ISO 4217 currency in upper case", currency_code)
    return exponent


def _bounded(sign: str, digits: str, text: str) -> int:
    if len(digits) > _DIGITS_MAX:
        digits = digits.lstrip("0") or "0"
    if len(digits) > _DIGITS_MAX or (amount_minor := int(digits)) > AMOUNT_MINOR_MAX:
        raise CellInvalid("is larger than 2^53-1 minor units", text)
    return -amount_minor if sign == "-" else amount_minor
