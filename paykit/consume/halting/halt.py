"""Why a partition is not consumed."""

from enum import StrEnum
from typing import TYPE_CHECKING

from paykit.consume.store.offsets import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection


class HaltReason(StrEnum):
    """What keeps a partition from being consumed; listed in docs/errors.md."""

    TOPIC_REPLACED = "TOPIC_REPLACED"
    """The stored offset is of another cluster or of a topic that was deleted since."""
    TOPIC_MISSING = "TOPIC_MISSING"
    """The cluster does not have the topic."""
    LOG_UNKNOWN = "LOG_UNKNOWN"
    """Nothing of the partition was consumed yet, and the cluster does not tell what it holds: it has no leader."""
    RECORDS_GONE = "RECORDS_GONE"
    """The next record to apply was deleted."""
    LOG_TRUNCATED = "LOG_TRUNCATED"
    """The partition ends before the next record to apply, or was cut back and written anew: records were lost."""
    REGISTRY_MISMATCH = "REGISTRY_MISMATCH"
    """A record says that it is another than its schema id stands for: the registry was restored with other ids."""
    HANDLER_FAILS = "HANDLER_FAILS"
    """Too many events fail unexpectedly: a defect, not bad data."""
    BATCH_FAILS = "BATCH_FAILS"
    """What is done around the handlers fails again and again."""

    @property
    def adoptable(self) -> bool:
        """Whether people may accept the log as it is."""
        return self in _OF_THE_LOG


_OF_THE_LOG = frozenset(
    {HaltReason.TOPIC_REPLACED, HaltReason.TOPIC_MISSING, HaltReason.RECORDS_GONE, HaltReason.LOG_TRUNCATED}
)


class HaltError(Exception):
    """Partitions cannot go on now: a bad deployment, another incarnation, or lost records."""

    def __init__(self, reason: HaltReason, explanation: str, *partitions: TopicPartition) -> None:
        super().__init__(f"{reason}: {explanation}")
        self.reason = reason
        self.explanation = explanation
        self.partitions: Collection[TopicPartition] = partitions
