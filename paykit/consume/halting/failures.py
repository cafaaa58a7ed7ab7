"""What failed unexpectedly in the partitions of one consumer, batch by batch, and when it is a defect, not bad data."""

from collections.abc import Collection, Mapping, Sequence

from paykit.consume.application import BatchResult
from paykit.consume.halting.failure_window import FailureWindow
from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.prepared import PreparedRecord
from paykit.consume.store.offsets import TopicPartition


class Failures:
    """The recent past of all partitions, as of the last batch committed."""

    def __init__(self, windows: Mapping[TopicPartition, FailureWindow] | None = None, *, applied: bool = False) -> None:
        """Begin with what is known; `applied`: any event was ever applied by this consumer."""
        self._windows = dict(windows or {})
        self._applied = applied

    def after(
        self,
        result: BatchResult,
        records: Mapping[TopicPartition, Sequence[PreparedRecord]],
        *,
        on_trial: Collection[TopicPartition] = (),
    ) -> "Failures":
        """Return what is known after a batch.

        Args:
            result: Of the batch.
            records: Of the batch, by partition and in order.
            on_trial: Partitions that have halted, and are tried again.

        Raises:
            HaltError: So many events fail that it is a defect: of those partitions no dead letters may be committed.
        """
        failed = {(record.topic, record.partition, record.offset) for record in result.unexpected}
        self._suspect(failed, result, on_trial)
        windows = dict(self._windows)
        exceeded = []
        for key, partition_records in records.items():
            flags = [bool(failed) and (*key, prepared.record.offset) in failed for prepared in partition_records]
            windows[key] = windows.get(key, FailureWindow()).after(flags)
            if any(flags) and windows[key].exceeded:
                exceeded.append(key)
        if exceeded:
            raise HaltError(HaltReason.HANDLER_FAILS, _explanation("too many events fail", result), *exceeded)
        return Failures(windows, applied=self._applied or result.applied > 0)

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Forget the past of partitions."""
        for partition in partitions:
            self._windows.pop(partition, None)

    def _suspect(
        self, failed: set[tuple[str, int, int]], result: BatchResult, on_trial: Collection[TopicPartition]
    ) -> None:
        """Halt once where nothing was ever applied and all that came fails; a quiet topic must not stay halted for it.

        Raises:
            HaltError: For the partitions with a failed event that have not halted yet.
        """
        if len(failed) > 1 and not result.applied and not self._applied:
            suspects = sorted({(topic, partition) for topic, partition, _ in failed}.difference(on_trial))
            if suspects:
                raise HaltError(HaltReason.HANDLER_FAILS, _explanation("every event fails", result), *suspects)


def _explanation(what: str, result: BatchResult) -> str:
    """Say what happened, and name the first event that failed and its error."""
    record = result.unexpected[0]
    error = next(cause for prepared, cause in result.causes if prepared.record is record).error
    return f"{what}: a defect, not bad data; first at {record.partition}/{record.offset}: {error}"
