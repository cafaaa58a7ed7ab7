"""How far a service has consumed a topic, to decide what depends on all that was told before a moment. Pure.

Partitions are consumed at a pace of their own, and a service may stand still for hours: the clock alone does not show
that nothing told before a moment is still on its way. That is shown once every partition is consumed to where it ended
after that moment.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TOLD_WITHIN = timedelta(seconds=2)
"""From what happened until it stands in its topic, as a rule: for so long after a moment its events are waited for."""
LOOKS_MAX = 300
"""Looks, one a second, after which what a topic told before is taken as applied, though it is not: as while Kafka is
away. For what somebody waits for; what is only found is not found meanwhile. Looks are counted, and not time, as a
service that stood still has not looked."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """A topic at one moment.

    Attributes:
        read_time: When the ends were asked for.
        ends: Where its partitions ended then, in their order; None if Kafka did not tell.
        consumed: The next offset to apply of each partition that was ever consumed.
    """

    read_time: datetime
    ends: tuple[int, ...] | None
    consumed: dict[int, int]

    def is_past(self, ends: tuple[int, ...] | None) -> bool:
        """Return whether every partition is consumed to these ends; one of which nothing was consumed is at 0."""
        return ends is not None and all(end <= self.consumed.get(number, 0) for number, end in enumerate(ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumptionWatch:
    """How far what a topic tells is known to be applied, look by look.

    Attributes:
        topic: As services name it.
        complete_time: What happened before is applied; None before the first look that found out.
        noticed_time: When the topic ended at `noticed_offsets`, which are still to be reached; None when they are.
        looks: In vain since.
    """

    topic: str
    complete_time: datetime | None = None
    noticed_time: datetime | None = None
    noticed_offsets: tuple[int, ...] | None = None
    looks: int = 0


def look(watch: ConsumptionWatch, seen: Consumption, *, looks_max: int | None = LOOKS_MAX) -> ConsumptionWatch:
    """Return the watch as a look at the topic leaves it.

    Args:
        watch: As the look before left it.
        seen: The topic now.
        looks_max: After how many looks in vain all is taken as applied; None: never.
    """
    if seen.is_past(seen.ends) or (looks_max is not None and watch.looks + 1 >= looks_max):
        return ConsumptionWatch(topic=watch.topic, complete_time=seen.read_time - TOLD_WITHIN)
    if watch.noticed_time is not None and seen.is_past(watch.noticed_offsets):
        reached = replace(watch, complete_time=watch.noticed_time - TOLD_WITHIN)
        return replace(reached, noticed_time=seen.read_time, noticed_offsets=seen.ends, looks=0)
    noticed = watch if watch.noticed_offsets is not None else _notice(watch, seen)
    return replace(noticed, looks=watch.looks + 1)


def _notice(watch: ConsumptionWatch, seen: Consumption) -> ConsumptionWatch:
    return replace(watch, noticed_time=seen.read_time, noticed_offsets=seen.ends)
