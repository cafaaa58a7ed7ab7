"""Writes paykit/currency_table.py: the rows that it has, and what the ISO 4217 list of the package `iso4217` adds.

    .venv/bin/python -m scripts.gen_currencies

A code that has left the list keeps its row for ever, closed from the day on which the list without it was published:
books are kept in it, refunds and payouts go on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import iso4217

from paykit.currency_table import ROWS, CurrencyRow

TARGET = Path(__file__).parents[1] / "paykit/currency_table.py"
_ROWS = re.compile(r"ROWS: .*?^\)\n", re.MULTILINE | re.DOTALL)
_PUBLISHED = re.compile(r"^PUBLISHED = .*$", re.MULTILINE)


def merge(rows: Iterable[CurrencyRow], listed: Mapping[str, int], published: date) -> Iterator[CurrencyRow]:
    """Yield the rows of a table brought up to a list: new codes open that day, missing ones close."""
    known = {row.code: row for row in rows}
    for code in sorted(known.keys() | listed.keys()):
        row = known.get(code) or CurrencyRow(code, listed[code], published)
        if code in listed and row.exponent != listed[code]:
            raise ValueError(f"{code} has {listed[code]} decimals now, and books with {row.exponent}")
        if code not in listed and row.valid_until is None:
            row = CurrencyRow(code, row.exponent, row.valid_from, published)
        yield row


def write(text: str, rows: Iterable[CurrencyRow], published: date) -> str:
    """Return the module's text with these rows."""
    lines = "".join(f"    {_source(row)},\n" for row in rows)
    text = _ROWS.sub(lambda _: f"ROWS: tuple[CurrencyRow, ...] = (\n{lines})\n", text)
    return _PUBLISHED.sub(f"PUBLISHED = {_date(published)}", text)


def _source(row: CurrencyRow) -> str:
    days = [None if day is None else _date(day) for day in (row.valid_from, row.valid_until)]
    while days and days[-1] is None:
        days.pop()
    return "CurrencyRow(" + ", ".join([f'"{row.code}"', str(row.exponent), *map(str, days)]) + ")"


def _date(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


def main() -> None:
    """Bring the module up to the installed list."""
    listed = {each.code: each.exponent for each in iso4217.Currency if each.exponent is not None}
    published = date.fromisoformat(str(iso4217.__published__))
    TARGET.write_text(write(TARGET.read_text(encoding="utf-8"), merge(ROWS, listed, published), published))


if __name__ == "__main__":
    main()
