"""What people decided about halted partitions: kept for good. Their times are real, so the database's."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from paykit.consume.store.offsets import TopicPartition
from paykit.postgres.database import Tx

Kind = Literal["RESUME", "SKIP", "ADOPT"]

_INSERT = """
INSERT INTO consumer_decision (topic, partition, kind, record_offset, topic_id, replaced, reason, actor, create_time,
                               apply_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), CASE WHEN $9 THEN now() END)
"""

# Of the incarnation that is consumed: the same offset of another one is another record.
_SKIPS = """
SELECT d.decision_id, d.topic, d.partition, d.record_offset, d.reason, d.actor
FROM consumer_decision d JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
JOIN consumer_offset o USING (topic, partition)
WHERE d.kind = 'SKIP' AND d.apply_time IS NULL AND d.topic_id = o.topic_id
"""

_APPLY = "UPDATE consumer_decision SET apply_time = now() WHERE decision_id = ANY($1::bigint[]) AND apply_time IS NULL"

_APPLY_RESUMES = """
UPDATE consumer_decision d SET apply_time = now()
FROM unnest($1::text[], $2::int[]) AS p (topic, partition)
WHERE (d.topic, d.partition) = (p.topic, p.partition) AND d.kind = 'RESUME' AND d.apply_time IS NULL
RETURNING d.topic, d.partition
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltDecision:
    """What a person decided about a halted partition.

    Attributes:
        topic_id: Of the incarnation that it is about; empty where nothing of the partition was ever consumed.
        record_offset: The record to go past, or where the adopted log is consumed from.
        replaced: The position that an adopted one replaced, for people.
    """

    partition: TopicPartition
    kind: Kind
    topic_id: str
    reason: str
    actor: str
    record_offset: int | None = None
    replaced: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A decision to go past one record.

    Attributes:
        text: Who decided, and why.
    """

    decision_id: int
    text: str


async def insert(tx: Tx, decision: HaltDecision, *, applied: bool = False) -> None:
    """Keep a decision; `applied` if this transaction carries it out."""
    about = *decision.partition, decision.kind, decision.record_offset, decision.topic_id, decision.replaced
    await tx.run(_INSERT, *about, decision.reason, decision.actor, applied)


async def skips(tx: Tx, partitions: Collection[TopicPartition]) -> dict[TopicPartition, dict[int, Skip]]:
    """Load the records that are to be gone past, by partition and offset."""
    found: dict[TopicPartition, dict[int, Skip]] = {}
    topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
    for row in await tx.fetch(_SKIPS, topics, numbers):
        skip = Skip(row["decision_id"], f"{row['actor']}: {row['reason']}")
        found.setdefault((row["topic"], row["partition"]), {})[row["record_offset"]] = skip
    return found


async def apply(tx: Tx, decision_ids: Collection[int]) -> None:
    """Note that decisions were carried out."""
    await tx.run(_APPLY, list(decision_ids))


async def apply_resumes(tx: Tx, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
    """Note that partitions are tried because people said so; which ones are."""
    topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
    return {(row["topic"], row["partition"]) for row in await tx.fetch(_APPLY_RESUMES, topics, numbers)}
