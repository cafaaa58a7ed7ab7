"""The SQL of a service's table `contradiction`. Rows change only under the lock of the aggregate they are about."""

from dataclasses import dataclass
from datetime import datetime

from paykit.contradictions.contradiction import Contradiction, ContradictionKind, ContradictionState
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table

OF_CONTRADICTIONS = "IN (SELECT aggregate_id FROM contradiction WHERE contradiction_id = ANY($1::text[]))"
"""Selects the aggregates that contradictions are about: after the name of their key, to lock them."""

_COUNT = """
SELECT kind, count(*) AS contradictions, min(create_time) AS oldest_time FROM contradiction
WHERE state IN ('OPEN', 'PROPOSED') GROUP BY kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictionFilter:
    """What ListContradictions selects; None selects all.

    Attributes:
        amount_minor_min, amount_minor_max: In minor units of whichever currency.
        aggregate_id: The payment or withdrawal that it is about.
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    state: ContradictionState | None
    kind: ContradictionKind | None
    merchant_id: str | None
    currency_code: str | None
    amount_minor_min: int | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    amount_minor_max: int | None = None
    aggregate_id: str | None = None
    channel_reference: str | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenContradictions:
    """How many contradictions of a kind wait for people, and since when the oldest does."""

    kind: ContradictionKind
    contradictions: int
    oldest_time: datetime


class ContradictionTable(Table[str, Contradiction]):
    """A service's contradictions."""

    def __init__(self) -> None:
        super().__init__(
            Contradiction,
            "contradiction",
            key="contradiction_id",
            changing=(
                *("state", "suspense_minor", "needs_decision", "resolution", "proposer", "decider", "reason"),
                *("stated", "update_time"),
            ),
        )

    async def waiting(self, tx: Tx) -> list[OpenContradictions]:
        """Count what waits for people, by kind."""
        return [
            OpenContradictions(
                kind=ContradictionKind(row["kind"]),
                contradictions=row["contradictions"],
                oldest_time=row["oldest_time"],
            )
            for row in await tx.fetch(_COUNT)
        ]

    @property
    def walk(self) -> Walk[Contradiction]:
        """The way along the index of a merchant's, or of all."""
        return Walk(self, scopes=(("merchant_id",), ()))

    async def list(
        self, tx: Tx, selection: ContradictionFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Contradiction]:
        """List contradictions across merchants as asked for, from after a (create_time, contradiction_id) on."""
        return await self.walk.page(tx, selection, after=after, limit=limit)
