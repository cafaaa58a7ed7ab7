"""Cuts a batch so that handlers get sequences of one type and the order of each key holds."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def cut(items: Iterable[tuple[str, K, T]]) -> list[tuple[K, Sequence[T]]]:
    """Cut (key, kind, item) triples into (kind, items) groups, to be applied one after another.

    An item has its turn after every earlier item of its key of another kind; within a turn, items are grouped by kind,
    in the order they came. So items of one key keep their order, and few groups come out of a batch of many keys.
    """
    last: dict[str, tuple[int, K]] = {}
    turns: list[dict[K, list[T]]] = []
    for key, kind, item in items:
        turn, last_kind = last.get(key, (0, kind))
        if last_kind != kind:
            turn += 1
        last[key] = (turn, kind)
        if turn == len(turns):
            turns.append({})
        turns[turn].setdefault(kind, []).append(item)
    return [(kind, group) for groups in turns for kind, group in groups.items()]
