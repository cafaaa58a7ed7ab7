"""Bars and sparklines of text. Integers only: what is drawn is rounded, what is written beside it is not."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"


def sparkline(values: Sequence[int], columns: int) -> str:
    """Draw values from 0 up as one line, at most so many columns wide; several share a column where they must.

    A column is the sum of its values; only one of 0 is blank.
    """
    sums = _shared(values, columns)
    most = max(sums, default=0)
    return "".join(_LEVELS[(value * len(_LEVELS) - 1) // most] if value > 0 else " " for value in sums)


def bar(value: int, most: int, columns: int) -> str:
    """Draw a value from 0 up as a bar, the largest of all filling the columns; only 0 is blank."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, min(value, most) * columns * 8 // most)
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _shared(values: Sequence[int], columns: int) -> list[int]:
    width = max(1, -(-len(values) // max(columns, 1)))
    return [sum(values[at : at + width]) for at in range(0, len(values), width)]
