"""The languages that mails are written in, and amounts and dates in them."""

import copy
from datetime import date, datetime, tzinfo
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime

from paykit.money import EXPONENTS, Money, format_money

ENGLISH, CHINESE = "en", "zh-CN"

LANGUAGES = (ENGLISH, CHINESE)
"""As language tags; the first is taken where there are no mails in the language wanted."""


def language_of(tag: str | None) -> str:
    """Return the language that mails for a language tag are written in."""
    primary = (tag or "").replace("_", "-").partition("-")[0].lower()
    return CHINESE if primary == "zh" else ENGLISH


def locale_of(tag: str | None) -> Locale:
    """Return how numbers and dates are written for a language tag: by its own region, in the language of its mails."""
    language = language_of(tag)
    try:
        locale = Locale.parse(tag or language, sep="-" if "-" in (tag or language) else "_")
    except (ValueError, UnknownLocaleError):
        return Locale.parse(language, sep="-")
    return locale if locale.language == language.partition("-")[0] else Locale.parse(language, sep="-")


def amount_text(amount_minor: int, currency_code: str, locale: Locale) -> str:
    """Write an amount in its currency's own decimals, which are paystream's: babel's differ for some currencies."""
    exponent = EXPONENTS.get(currency_code)
    if exponent is None:
        return format_money(Money(amount_minor, currency_code))
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, exponent)
    value = Decimal(amount_minor).scaleb(-exponent)
    return str(pattern.apply(value, locale, currency=currency_code, currency_digits=False))


def moment_text(moment: datetime, locale: Locale, zone: tzinfo) -> str:
    """Write a moment as people of a zone call it."""
    return format_datetime(moment, "long", tzinfo=zone, locale=locale)


def date_text(day: str, locale: Locale) -> str:
    """Write a day given as YYYY-MM-DD; what is none stays as it is."""
    try:
        return format_date(date.fromisoformat(day), "long", locale=locale)
    except ValueError:
        return day
