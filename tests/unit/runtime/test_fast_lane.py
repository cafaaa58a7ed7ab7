"""Which handlers may have a fast lane."""

from collections.abc import Sequence
from typing import Any

import pytest

from paykit.base.errors import DefectError
from paykit.consume.delivery import FastLane, Handle, HandlerResult, ShapeLane


async def handler(_tx: Any, deliveries: Sequence[Any]) -> Sequence[HandlerResult]:
    return [None] * len(deliveries)


def lane(*fields: str) -> FastLane:
    return FastLane(fields=fields, take=lambda _values: None)


def test_an_excerpt_beside_an_inbox_has_what_it_remembers_events_by() -> None:
    whole = lane("event_id", "occurred_at", "recorded_at", "amount_minor")
    assert Handle(handler=handler, deduplication="inbox", fast_lane=whole).fast_lane is whole


@pytest.mark.parametrize(
    "excerpts",
    [
        lane("amount_minor"),
        lane("occurred_at", "recorded_at"),
        lane("event_id", "recorded_at"),
        lane("event_id", "occurred_at"),
        ShapeLane(specialize=lambda _example: None),
    ],
)
def test_an_excerpt_without_it_is_for_handlers_whose_effects_have_a_key_of_their_own(
    excerpts: FastLane | ShapeLane,
) -> None:
    assert Handle(handler=handler, fast_lane=excerpts).fast_lane is excerpts
    with pytest.raises(DefectError, match="remembers events by event_id, occurred_at, recorded_at"):
        Handle(handler=handler, deduplication="inbox", fast_lane=excerpts)
