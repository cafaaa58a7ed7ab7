"""Pairing of lines and movements that name nothing of each other: by day, each at most once. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Dated:
    """A line or a movement; only those of one key can belong together, as those of one operation and amount."""

    name: int | str
    key: Hashable
    day: date


def pair(lines: Iterable[Dated], movements: Iterable[Dated], *, days: int) -> list[tuple[Dated, Dated]]:
    """Pair as many as can be paired, the earliest with the earliest, whose days are at most so many apart."""
    by_key: defaultdict[Hashable, list[Dated]] = defaultdict(list)
    for movement in sorted(movements, key=lambda each: (each.day, str(each.name))):
        by_key[movement.key].append(movement)
    next_at: defaultdict[Hashable, int] = defaultdict(int)
    pairs = []
    for line in sorted(lines, key=lambda each: (each.day, each.name)):
        waiting, at = by_key.get(line.key, []), next_at[line.key]
        while at < len(waiting) and (line.day - waiting[at].day).days > days:
            at += 1
        if at < len(waiting) and (waiting[at].day - line.day).days <= days:
            pairs.append((line, waiting[at]))
            at += 1
        next_at[line.key] = at
    return pairs
