"""Inserts left for the end of a transaction, and the one statement that several of them become.

An insert that others refuse, by a unique key for instance, fails the statement, and so all of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

STATEMENTS_MAX = 256
"""Statements that are kept put together: one for each set of inserts that a process ever sends at once."""

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """An insert that reads no table: of inserts that are one statement, none sees what the others wrote.

    Attributes:
        sql: With parameters from $1 on.
        args: Theirs, in order.
    """

    sql: str
    args: tuple[Any, ...]


def together(writes: Sequence[Write]) -> tuple[str, list[Any]]:
    """Return the statement that carries writes out, and its arguments; it answers how many rows the first inserted.

    PostgreSQL carries out the statement itself first, then what stands in its WITH from the last to the first: so they
    are in the order given. Nothing rests on that but who waits for whom, for a key that another transaction inserts.
    """
    return _statement(tuple([(write.sql, len(write.args)) for write in writes])), [
        arg for write in writes for arg in write.args
    ]


@lru_cache(maxsize=STATEMENTS_MAX)
def _statement(parts: tuple[tuple[str, int], ...]) -> str:
    numbered, first = list[str](), 0
    for sql, parameters in parts:
        numbered.append(_PARAMETER.sub(lambda found, first=first: f"${int(found[1]) + first}", sql))  # type: ignore[misc]
        first += parameters
    beside = ",\n".join(f"write_{at} AS ({sql})" for at, sql in reversed(list(enumerate(numbered))) if at)
    return f"WITH {beside}\n{numbered[0]}" if beside else numbered[0]
