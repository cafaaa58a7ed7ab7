"""Cuts a batch so that handlers get sequences of one type and the order of each key holds."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def cut(items: Iterable[tuple[str, K, T]]) -> list[tuple[K, Sequence[T]]]:
    """Cut (key, kind, item) triples into (kind, items) groups, to be applied one after another.

    An item goes to a wave after every earlier item of its key of another kind; within a wave, items are grouped by
    kind, in the order they came. So items of one key keep their order, and few groups come out of a batch of many keys.
    """
    last: dict[str, tuple[int, K]] = {}
    waves: list[dict[K, list[T]]] = []
    for key, kind, item in items:
        wave, before = last.get(key, (0, kind))
        if before != kind:
            wave += 1
        last[key] = (wave, kind)
        if wave == len(waves):
            waves.append({})
        waves[wave].setdefault(kind, []).append(item)
    return [(kind, group) for wave in waves for kind, group in wave.items()]
