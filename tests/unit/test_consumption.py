"""When all that a topic told before a moment is applied: look by look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from paykit import consumption
from paykit.consumption import LOOKS_MAX, Consumption, ConsumptionWatch

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEW = ConsumptionWatch(topic="payment.events")


def seen(seconds: float, ends: tuple[int, ...] | None, consumed: dict[int, int]) -> Consumption:
    return Consumption(NOON + timedelta(seconds=seconds), ends, consumed)


def test_what_is_consumed_to_the_ends_is_complete_but_for_what_is_told_late() -> None:
    watch = consumption.look(NEW, seen(0, (7, 0), {0: 7}))

    assert watch == replace(NEW, complete_time=NOON - timedelta(seconds=2))


def test_a_partition_that_is_behind_is_waited_for_while_the_topic_grows() -> None:
    first = consumption.look(NEW, seen(0, (7, 3), {0: 7, 1: 2}))
    still = consumption.look(first, seen(1, (9, 5), {0: 8, 1: 2}))
    reached = consumption.look(still, seen(2, (11, 7), {0: 9, 1: 3}))
    later = consumption.look(reached, seen(3, (12, 8), {0: 11, 1: 7}))

    assert (first.complete_time, still.complete_time, still.looks) == (None, None, 2)
    assert (reached.complete_time, reached.noticed_offsets) == (NOON - timedelta(seconds=2), (11, 7))
    assert later.complete_time == NOON


def test_a_service_that_stood_still_has_not_looked() -> None:
    first = consumption.look(NEW, seen(0, (7,), {0: 2}))

    # A day later, as after an outage: the clock alone shows nothing.
    assert consumption.look(first, seen(86_400, (9,), {0: 2})).complete_time is None


def test_after_many_looks_in_vain_the_rest_is_not_waited_for() -> None:
    for ends in ((7,), None):
        watch = NEW
        for second in range(LOOKS_MAX - 1):
            watch = consumption.look(watch, seen(second, ends, {0: 2}))
        assert watch.complete_time is None
        after = consumption.look(watch, seen(LOOKS_MAX, ends, {0: 2}))
        assert after == replace(NEW, complete_time=NOON + timedelta(seconds=LOOKS_MAX - 2))


def test_what_is_only_found_is_waited_for_without_end() -> None:
    for ends in ((7,), None):
        watch = NEW
        for second in range(2 * LOOKS_MAX):
            watch = consumption.look(watch, seen(second, ends, {0: 2}), looks_max=None)
        assert watch.complete_time is None
    assert consumption.look(watch, seen(1_000, (7,), {0: 7}), looks_max=None).complete_time == NOON + timedelta(
        seconds=998
    )
