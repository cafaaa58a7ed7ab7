"""How often one batch failed, and what that calls for: whether the handlers failed, or what is done around them."""

from paykit.consume.handling import HandlerFailedError
from paykit.postgres import faults
from paykit.postgres.faults import Fault

BACKOFF_FIRST_S = 0.1
"""Before a failed batch is run again; doubled with each failure, up to BACKOFF_MAX_S."""
BACKOFF_MAX_S = 5.0
HANDLER_TRIES_MAX = 3
"""Runs of a batch whose handler fails unexpectedly before it is taken apart."""
BATCH_TRIES_MAX = 6
"""Runs of a batch that fails unexpectedly around its handlers before it is applied piece by piece: some 3 s."""


class FailedRuns:
    """The failed runs of one batch. Those for want of infrastructure are waited for, however many."""

    def __init__(self, tries_max: int) -> None:
        self._tries_max = tries_max
        self._in_handlers = 0
        self._around_handlers = 0
        self._backoff_s = BACKOFF_FIRST_S

    def count(self, error: Exception) -> None:
        """Count a run that ended with this error."""
        if isinstance(error, HandlerFailedError):
            self._in_handlers += 1
        elif faults.sort(error) is Fault.UNEXPECTED:
            self._around_handlers += 1

    @property
    def in_handlers(self) -> bool:
        """Whether the handlers failed so often that the culprit is to be found."""
        return self._in_handlers >= HANDLER_TRIES_MAX

    @property
    def too_often(self) -> bool:
        """Whether something failed so often that it will not go away by itself soon."""
        return self._around_handlers >= self._tries_max or self._in_handlers > HANDLER_TRIES_MAX

    def next_backoff_s(self) -> float:
        """Return how long to wait before the next run, in seconds."""
        backoff_s = self._backoff_s
        self._backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
        return backoff_s
