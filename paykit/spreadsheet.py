"""CSV that people open in spreadsheets. Pure."""

import csv
import io
from collections.abc import Iterable

_FORMULA_STARTS = frozenset("=+-@\t\r\n|%＝＋－＠")  # noqa: RUF001 - they are meant
"""What spreadsheets take for the beginning of a formula or a command, in full width too.

Source: OWASP, CSV Injection.
"""


def csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as RFC 4180 has them: numbers and days as they are, None as nothing, no text for a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """Keep a text from being taken for a formula; numbers, also those below zero, are none."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA_STARTS else value
