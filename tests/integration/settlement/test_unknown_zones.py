"""Merchants whose time zone this machine does not know, and comes to know with a newer database of zones."""

from collections.abc import Iterator

import pytest

from services.settlement.domain.closing import RETRY_AFTER
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.store import merchant as policies
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import capture, daily, hours, utc

PENDING, CREATED = SettlementState.PENDING, SettlementState.CREATED


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Have no policy remembered from what another test knew of zones."""
    policies._policy.cache_clear()
    yield
    policies._policy.cache_clear()


async def test_what_is_pending_keeps_its_cut_off_while_its_zone_is_unknown_and_is_closed_once_it_is_known(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.policy(daily("18:00", "Asia/Tokyo"))  # 18:00 in Tokyo is 09:00 in UTC.
    await till.consume(capture(1, 100))
    with monkeypatch.context() as older:
        older.setattr(policies, "knows_zone", lambda _: False)
        policies._policy.cache_clear()
        await till.consume(capture(2, 200))
        till.clock.advance(hours(21))
        assert await till.close() == 1
        retry_at = utc(2, 9) + RETRY_AFTER
        assert [(each.cut_off_at, each.due_at, each.sums.total_minor) for each in await till.settlements()] == [
            (None, retry_at, 200),
            (utc(2, 9), retry_at, 100),
        ]
    policies._policy.cache_clear()
    assert await till.close() == 0
    till.clock.advance(RETRY_AFTER)
    await till.close()
    assert [(each.cut_off_at, each.state, each.sums.total_minor) for each in await till.settlements()] == [
        (utc(2, 9), CREATED, 100),
        (utc(3, 9), PENDING, 200),
    ]
    till.clock.advance(utc(3, 9) - utc(2, 10))
    await till.close()
    assert {each.state for each in await till.settlements()} == {CREATED}
