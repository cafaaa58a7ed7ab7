"""What fails around handlers is not the event's failure; what fails in them is, by what came before."""

import asyncpg
import pytest

from paykit.base.errors import UnavailableError
from paykit.consume.application import BatchResult
from paykit.consume.delivery import Record
from paykit.consume.halting.failed_runs import FailedRuns
from paykit.consume.halting.failures import Failures
from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.handling import HandlerFailedError
from paykit.consume.prepared import DeadLetterCause, PreparedRecord, UnhandledEvent

HERE, THERE = ("payment.events", 0), ("payment.events", 1)
CRASH = DeadLetterCause("UNEXPECTED", "RuntimeError: crashed", unexpected=True)


def records(place: tuple[str, int], count: int) -> list[PreparedRecord]:
    return [UnhandledEvent(Record(*place, offset, "key", b"", ()), "name") for offset in range(count)]


def result(failed: list[PreparedRecord], *, applied: int) -> BatchResult:
    return BatchResult(applied, [(record, CRASH) for record in failed], frozenset())


def test_all_that_comes_first_fails_so_its_partitions_halt_once_and_are_believed_when_tried() -> None:
    here, there = records(HERE, 2), records(THERE, 1)
    everything = result(here + there, applied=0)
    with pytest.raises(HaltError, match="first at 0/0: RuntimeError: crashed") as halt:
        Failures().after(everything, {HERE: here, THERE: there})
    assert (halt.value.reason, halt.value.partitions) == (HaltReason.HANDLER_FAILS, (HERE, THERE))
    with pytest.raises(HaltError) as halt:
        Failures().after(everything, {HERE: here, THERE: there}, on_trial=[HERE])
    assert halt.value.partitions == (THERE,)
    Failures().after(everything, {HERE: here, THERE: there}, on_trial=[HERE, THERE])


def test_two_failures_in_a_quiet_batch_are_bad_data_where_anything_was_applied_before() -> None:
    good = records(HERE, 1)
    before = Failures().after(result([], applied=1), {HERE: good})
    bad = records(THERE, 2)
    before.after(result(bad, applied=0), {THERE: bad})


def test_failures_in_a_row_are_counted_over_batches_and_halt_where_they_are_too_many() -> None:
    failures = Failures().after(result([], applied=1), {HERE: records(HERE, 1)})
    for _ in range(5):
        bad = records(THERE, 1)
        failures = failures.after(result(bad, applied=0), {THERE: bad})
    sixth = records(THERE, 1)
    with pytest.raises(HaltError, match="too many events fail") as halt:
        failures.after(result(sixth, applied=0), {THERE: sixth, HERE: []})
    assert halt.value.partitions == (THERE,)
    failures.forget([THERE])
    failures.after(result(sixth, applied=0), {THERE: sixth})


@pytest.mark.parametrize(
    ("error", "in_handlers", "too_often"),
    [
        (HandlerFailedError("RuntimeError: crashed"), True, False),
        (UnavailableError("no answer"), False, False),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), False, False),
        (asyncpg.DeadlockDetectedError("deadlock"), False, False),
        (asyncpg.CheckViolationError("broken"), False, True),
        (RuntimeError("a defect"), False, True),
    ],
)
def test_only_what_repeats_around_the_handlers_is_too_often_and_only_handlers_are_isolated(
    error: Exception, *, in_handlers: bool, too_often: bool
) -> None:
    runs = FailedRuns(3)
    for _ in range(2):
        runs.count(error)
        assert (runs.in_handlers, runs.too_often) == (False, False)
    runs.count(error)
    assert (runs.in_handlers, runs.too_often) == (in_handlers, too_often)


def test_the_pause_before_the_next_run_doubles_up_to_its_bound() -> None:
    runs = FailedRuns(3)
    assert [runs.next_backoff_s() for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
