"""Money as integers of a currency's minor unit; exponents are frozen at install from the ISO 4217 list."""

from dataclasses import dataclass
from types import MappingProxyType

from iso4217 import Currency

from paykit.errors import CurrencyUnknown

AMOUNT_MINOR_MAX = 2**53 - 1
"""The largest amount in one message, in minor units: what a JSON number holds exactly."""

EXPONENTS = MappingProxyType({c.code: c.exponent for c in Currency if c.exponent is not None})
"""Decimal digits of the minor unit by currency code, for example JPY 0, USD 2, BHD 3. Source: ISO 4217 list one."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency; it may be zero or negative in calculations, never in requests."""

    amount_minor: int
    currency_code: str


def require_currency(currency_code: str, *, field: str = "currency_code") -> None:
    """Accept a currency in use.

    Raises:
        CurrencyUnknown: The code is not on the ISO 4217 list, or has no minor unit (as gold, XAU).
    """
    if currency_code not in EXPONENTS:
        message = f"{currency_code!r} is not an ISO 4217 currency in use."
        raise CurrencyUnknown(message, field=field, currency_code=currency_code)


def format_money(money: Money) -> str:
    """Write an amount for people: 1234 minor units of BHD as `1.234 BHD`."""
    exponent = EXPONENTS[money.currency_code]
    sign = "-" if money.amount_minor < 0 else ""
    digits = str(abs(money.amount_minor)).rjust(exponent + 1, "0")
    text = f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits
    return f"{sign}{text} {money.currency_code}"
