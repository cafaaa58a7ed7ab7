"""Which handlers may have a fast lane."""

from collections.abc import Sequence
from typing import Any

import pytest

from paykit.base.errors import DefectError
from paykit.consume.delivery import FastLane, Handle, HandlerResult

LANE = FastLane(fields=("amount_minor",), take=lambda _values: None)


async def handler(_tx: Any, deliveries: Sequence[Any]) -> Sequence[HandlerResult]:
    return [None] * len(deliveries)


def test_a_handler_whose_duplicates_an_inbox_knows_has_no_fast_lane() -> None:
    """An excerpt has no event id that it could remember."""
    assert Handle(handler=handler, fast_lane=LANE).fast_lane is LANE
    with pytest.raises(DefectError, match="unique key of their own"):
        Handle(handler=handler, deduplication="inbox", fast_lane=LANE)
