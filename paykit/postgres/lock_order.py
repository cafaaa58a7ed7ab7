"""The order in which a service locks rows of its tables: who keeps it never waits in a ring with others who do."""

from collections.abc import Sequence

from paykit.base.errors import DefectError

RUNTIME_TABLES = ("consumer_offset", "skipped_event", "dead_letter", "parked_event", "idempotency_claim", "clock")
"""Locked by the runtime before any table of the service."""


class LockOrder:
    """The tables of a service in the order in which a transaction may lock their rows."""

    def __init__(self, tables: Sequence[str]) -> None:
        self._ranks = {table: rank for rank, table in enumerate((*RUNTIME_TABLES, *tables))}

    def advance(self, reached: int, table: str) -> int:
        """Return the rank reached with a lock on a table, for a transaction that had reached another.

        Raises:
            DefectError: The service declares no place for the table, or it comes before one that is locked already.
        """
        rank = self._ranks.get(table)
        if rank is None:
            raise DefectError(f"{table} has no place in the service's declared lock order")
        if rank < reached:
            raise DefectError(f"{table} locked after {list(self._ranks)[reached]}, against the declared lock order")
        return rank
