"""Events of their worked examples."""

import functools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from paykit.events.event import Event
from paykit.ids import new_id
from paykit.testing import goldens

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

E = TypeVar("E", bound=Event)


@functools.cache
def _newest(topic: str, record: str) -> Any:
    return goldens.event(max(goldens.goldens(topic, record), key=lambda golden: golden.version))


def example(event: type[E], **changes: Any) -> E:
    """Make an event of its newest worked example, under an id of its own, at NOON."""
    given: dict[str, Any] = {"event_id": new_id("evt"), "occurred_at": NOON, "recorded_at": NOON}
    made: E = replace(_newest(event.TOPIC, event.RECORD), **given | changes)
    return made
