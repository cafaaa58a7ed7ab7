"""Records that people decided to go past, of the partitions of one consumer."""

from collections.abc import Mapping

from paykit.consume.delivery import Record
from paykit.consume.prepared import DeadLetterCause, ExcludedRecord
from paykit.consume.store import decisions
from paykit.consume.store.decisions import Skip
from paykit.consume.store.offsets import TopicPartition
from paykit.postgres.database import Tx

REASON_SKIPPED = "SKIPPED"
"""Of the dead letter that such a record becomes."""


class Skips:
    """The decisions that are not carried out yet, as of when their partitions were started."""

    def __init__(self) -> None:
        self._skips: dict[TopicPartition, Mapping[int, Skip]] = {}

    def __contains__(self, partition: TopicPartition) -> bool:
        """Whether any record of a partition is to be gone past."""
        return bool(self._skips.get(partition))

    def hold(self, partition: TopicPartition, skips: Mapping[int, Skip]) -> None:
        """Take the decisions about a partition, by offset, in the place of those before."""
        self._skips[partition] = skips

    def forget(self, partition: TopicPartition) -> None:
        """Let go of a partition."""
        self._skips.pop(partition, None)

    def excluded(self, record: Record) -> ExcludedRecord | None:
        """The record as one to go past, if it is."""
        skip = self._skips.get((record.topic, record.partition), {}).get(record.offset)
        return None if skip is None else ExcludedRecord(record, DeadLetterCause(REASON_SKIPPED, skip.text))

    async def apply(self, tx: Tx, ends: Mapping[TopicPartition, int]) -> None:
        """Note the decisions that the transaction carries out, which moves partitions to these ends."""
        passed = [
            skip.decision_id
            for partition, end in ends.items()
            for offset, skip in self._skips.get(partition, {}).items()
            if offset < end
        ]
        if passed:
            await decisions.apply(tx, passed)
