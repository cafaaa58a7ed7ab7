"""A settlement that a job cannot do holds up no other."""

from datetime import timedelta

import pytest

from paykit.consumption import Consumption
from paykit.postgres.database import Tx
from paystream.settlement.v1 import events
from services.settlement import commands, jobs
from services.settlement.domain.settlement import Settlement
from tests.integration import bad_rows
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import ALICE, BOB, MANUAL, capture, daily, refund, settled

CAROL = "mer_" + "c" * 32


async def told(till: Till, kind: type[events.SettlementCreated | events.ReserveReleased]) -> set[str | None]:
    return {event.settlement_id for event in await till.told() if isinstance(event, kind)}


async def test_a_reserve_that_cannot_be_released_leaves_the_others_released_and_is_released_once_it_can_be(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=10))
    held: list[str] = []
    for number in range(1, 6):
        await till.consume(capture(number, 10_000))
        made = await till.create()
        assert isinstance(made, Settlement)
        await till.consume(settled(await till.last(events.SettlementCreated)))
        held.append(made.settlement_id)
    till.clock.advance(timedelta(days=10))
    with monkeypatch.context() as planted:
        bad_rows.plant(planted, held[3])
        assert await jobs.release_reserves(till.runtime) is False
        assert await told(till, events.ReserveReleased) == {*held[:3], held[4]}
        assert bad_rows.failing("settlement", "release_reserves") == 1
    assert await jobs.release_reserves(till.runtime) is False
    assert await told(till, events.ReserveReleased) == set(held)


async def test_a_merchant_whose_settlement_cannot_be_closed_leaves_the_others_closed(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    for number, merchant_id in enumerate((ALICE, BOB, CAROL), 1):
        await till.policy(daily("18:00"), merchant_id=merchant_id)
        await till.consume(capture(number, 1_000, merchant_id=merchant_id))
    till.clock.advance(timedelta(days=1))
    [bad] = [settlement.settlement_id for settlement in await till.settlements(BOB)]
    seen = Consumption(till.clock.now(), (), {})

    async def close(tx: Tx) -> int:
        return await commands.closing.close_due(tx, view=seen, limit=500)

    with monkeypatch.context() as planted:
        bad_rows.plant(planted, bad)
        assert sum(await till.runtime.isolated("close_settlements", close)) == 2
        assert len(await told(till, events.SettlementCreated)) == 2
        assert bad_rows.failing("settlement", "close_settlements") == 1
    assert sum(await till.runtime.isolated("close_settlements", close)) == 1
    assert bad in await told(till, events.SettlementCreated)


async def test_a_balance_that_cannot_recover_leaves_the_others_to_recover_and_does_once_it_can(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    merchants = (ALICE, BOB, CAROL)
    for number, merchant_id in enumerate(merchants, 1):
        await till.policy(MANUAL, merchant_id=merchant_id)
        await till.consume(capture(number, 10_000, 320, merchant_id=merchant_id))
        assert isinstance(await till.create(merchant_id), Settlement)
        await till.consume(settled(await till.last(events.SettlementCreated)))
        await till.consume(refund(number, 10_000, merchant_id=merchant_id))

    async def recovered() -> set[str | None]:
        return {event.merchant_id for event in await till.told() if isinstance(event, events.BalanceRecovered)}

    with monkeypatch.context() as planted:
        bad_rows.plant_where(planted, lambda event: event.merchant_id == BOB)
        await jobs.recover_balances(till.runtime)
        assert await recovered() == {ALICE, CAROL}
        assert bad_rows.failing("settlement", "recover_balances") == 1
    await jobs.recover_balances(till.runtime)
    assert await recovered() == {*merchants}
    assert bad_rows.failing("settlement", "recover_balances") == 0
