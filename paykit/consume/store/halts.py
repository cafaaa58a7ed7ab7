"""Halted partitions of a service, each until it is consumed again. Their times are real, so the database's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paykit.consume.store.offsets import TopicPartition
from paykit.postgres.database import Tx

_UPSERT = """
INSERT INTO consumer_halt AS h (topic, partition, reason, explanation, tries, since, next_try)
SELECT topic, partition, $3, $4, 0, now(), now() + make_interval(secs => $5)
FROM unnest($1::text[], $2::int[]) AS p (topic, partition) ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE
SET reason = excluded.reason, explanation = excluded.explanation, tries = h.tries + 1,
    next_try = now() + make_interval(secs => least($5 * 2 ^ least(h.tries + 1, 30), $6))
RETURNING topic, partition, tries, extract(epoch FROM next_try - now())::float8 AS next_try_s
"""

# One whose row is missing was not kept, or somebody deleted it: both are a reason to try.
_DUE = """
SELECT p.topic, p.partition
FROM unnest($1::text[], $2::int[]) AS p (topic, partition) LEFT JOIN consumer_halt h USING (topic, partition)
WHERE h.next_try IS NULL OR h.next_try <= now() ORDER BY p.topic, p.partition
"""

_SELECT = "SELECT * FROM consumer_halt ORDER BY topic, partition"

_SELECT_OF = """
SELECT h.topic, h.partition FROM consumer_halt h
JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
"""

_TRY_NOW = "UPDATE consumer_halt SET tries = 0, next_try = now() WHERE (topic, partition) = ($1, $2)"

_DELETE = """
DELETE FROM consumer_halt h USING unnest($1::text[], $2::int[]) AS p (topic, partition)
WHERE (h.topic, h.partition) = (p.topic, p.partition)
"""


@dataclass(frozen=True, slots=True)
class StoredHalt:
    """A halted partition as it is kept.

    Attributes:
        reason: A name of `HaltReason`.
        tries: How often it was tried in vain since it halted, or since people had it tried.
        since: When it halted.
        next_try: When it is tried next.
    """

    partition: TopicPartition
    reason: str
    explanation: str
    tries: int
    since: datetime
    next_try: datetime


async def upsert(
    tx: Tx, partitions: Collection[TopicPartition], *, reason: str, explanation: str, first_s: float, max_s: float
) -> dict[TopicPartition, float]:
    """Keep that partitions are halted, or are still; in how many seconds each is tried again.

    The pause is `first_s`, doubled with each try in vain up to `max_s`.
    """
    rows = await tx.fetch(_UPSERT, *_arrays(partitions), reason, explanation, first_s, max_s)
    return {(row["topic"], row["partition"]): row["next_try_s"] for row in rows}


async def due(tx: Tx, partitions: Collection[TopicPartition]) -> list[TopicPartition]:
    """Return those of the partitions that are to be tried by now."""
    return [(row["topic"], row["partition"]) for row in await tx.fetch(_DUE, *_arrays(partitions))]


async def load_all(tx: Tx) -> Sequence[StoredHalt]:
    """Load every halt, by topic and partition."""
    return [_halt(row) for row in await tx.fetch(_SELECT)]


async def halted(tx: Tx, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
    """Return those of the partitions that have a halt."""
    return {(row["topic"], row["partition"]) for row in await tx.fetch(_SELECT_OF, *_arrays(partitions))}


async def try_now(tx: Tx, partition: TopicPartition) -> bool:
    """Have a halted partition tried at once, and its pauses begin anew; whether it was halted."""
    return bool(await tx.run(_TRY_NOW, *partition))


async def delete(tx: Tx, partitions: Collection[TopicPartition]) -> None:
    """Forget halts that are over."""
    await tx.run(_DELETE, *_arrays(partitions))


def _arrays(partitions: Collection[TopicPartition]) -> tuple[list[str], list[int]]:
    return [topic for topic, _ in partitions], [number for _, number in partitions]


def _halt(row: Any) -> StoredHalt:
    place = (row["topic"], row["partition"])
    return StoredHalt(place, row["reason"], row["explanation"], row["tries"], row["since"], row["next_try"])
