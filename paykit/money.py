"""Money as integers of a currency's minor unit, and which currencies there are.

Known and open are two things. Books may hold whatever is known, for ever: what already is goes on in it, as refunds,
disputes, settlements and withdrawals do. New business, as orders and payments, needs a currency that is open that day:
by the table of currencies, and by what this installation closes earlier (PAYSTREAM_CURRENCY_CLOSINGS).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType

from paykit.currency_table import ROWS, CurrencyRow
from paykit.errors import CurrencyClosed, CurrencyUnknown

AMOUNT_MINOR_MAX = 2**53 - 1
"""The largest amount in one message, in minor units: what a JSON number holds exactly."""

CURRENCIES: Mapping[str, CurrencyRow] = MappingProxyType({row.code: row for row in ROWS})
"""All currencies known, by code."""

EXPONENTS: Mapping[str, int] = MappingProxyType({row.code: row.exponent for row in ROWS})
"""Decimal digits of the minor unit by currency code, for example JPY 0, USD 2, BHD 3. Source: ISO 4217 list one."""

_closings: dict[str, date] = {}
"""What this installation closes earlier: set when a process starts, as logs are, and never again."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency; it may be zero or negative in calculations, never in requests."""

    amount_minor: int
    currency_code: str


def close_currencies(closings: Mapping[str, date]) -> None:
    """Close currencies for new business from a day on, in UTC, where the table does not close them earlier."""
    _closings.clear()
    _closings.update(closings)
    _open_on.cache_clear()


def known(currency_code: str) -> bool:
    """Whether books may hold the currency."""
    return currency_code in EXPONENTS


def open_for_business(currency_code: str, at: datetime) -> bool:
    """Whether new business may begin in the currency."""
    return _open_on(currency_code, at.astimezone(UTC).date())


@lru_cache(maxsize=1_024)  # Currencies on one day, or two.
def _open_on(currency_code: str, day: date) -> bool:
    row = CURRENCIES.get(currency_code)
    if row is None or (row.valid_from is not None and day < row.valid_from):
        return False
    ends = [end for end in (row.valid_until, _closings.get(currency_code)) if end is not None]
    return all(day < end for end in ends)


def require_known_currency(currency_code: str, *, field: str = "currency_code") -> None:
    """Accept a currency for what already is, as a refund or a withdrawal.

    Raises:
        CurrencyUnknown: The code is not on the ISO 4217 list and never was, or has no minor unit (as gold, XAU).
    """
    if not known(currency_code):
        message = f"{currency_code!r} is not an ISO 4217 currency."
        raise CurrencyUnknown(message, field=field, currency_code=currency_code)


def require_currency(currency_code: str, *, at: datetime, field: str = "currency_code") -> None:
    """Accept a currency for new business, as an order or a payment.

    Raises:
        CurrencyUnknown: As `require_known_currency`.
        CurrencyClosed: It takes no new business on that day.
    """
    require_known_currency(currency_code, field=field)
    if not open_for_business(currency_code, at):
        message = f"{currency_code} takes no new business."
        raise CurrencyClosed(message, field=field, currency_code=currency_code)


def format_money(money: Money) -> str:
    """Write an amount for people: 1234 minor units of BHD as `1.234 BHD`."""
    exponent = EXPONENTS.get(money.currency_code)
    if exponent is None:  # Of a newer version's table: what it is must be seen all the same.
        return f"{money.amount_minor} minor units of {money.currency_code}"
    sign = "-" if money.amount_minor < 0 else ""
    digits = str(abs(money.amount_minor)).rjust(exponent + 1, "0")
    text = f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits
    return f"{sign}{text} {money.currency_code}"
